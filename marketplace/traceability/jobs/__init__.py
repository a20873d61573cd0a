"""Later: moving what was entered into the log and signing it (`sequencing`), watching that this goes on (`watching`).

The sequencer is a program of its own and light: `sequencing` and `key_folder` import no table and no web.
"""
