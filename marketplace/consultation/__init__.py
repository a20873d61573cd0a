"""Questions to insurers, their answers, and what everybody may read of them.

Owns the threads of questions and answers, the clock of each answer, and the public answers of a product. Promises that
only an insurer's staff with a valid certificate answers (Order 2020 No. 13, articles 17 and 35), that what was said
during an application is evidence of its contract, and that nothing becomes public without the asker's consent and a
second person. Refuses staff of other insurers, and to begin a conversation with a customer who did not ask.
"""
