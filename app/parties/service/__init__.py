"""What happens at a table. Functions fetch, decide and store; they flush, never commit, never flash.

seats    the guarded counter and the waiting list: the only code that moves `seats_taken`
line     what happened to those who wait, for them to read
answers  guests answer, take what they are offered, and withdraw
hosting  hosts lay, change and cancel a party
"""
