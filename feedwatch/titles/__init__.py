"""What a person does with titles and people: finds them, looks at them, queues and rates them.

`naming` finds out which title is meant; `finding` lists, `particulars` asks for all of one and `sheets` shows
it; `queueing` and `rating` change what is the person's own.
"""
