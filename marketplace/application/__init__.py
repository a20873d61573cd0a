"""The application (proposal): persons, answers, confirmations, declaration, and the road from an offer to a decision.

Promises: nobody skips a step, nobody confirms what they were not shown, a confirmation counts only for the exact
bytes confirmed, and every act stands in the trail in the same transaction. Refuses: strangers, prices that are not a
live offer's, people who are not the ones rated.
"""
