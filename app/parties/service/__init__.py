"""What happens at a table. Functions fetch, decide and store; they flush, never commit, never flash.

seats    the guarded counter and the waiting list: the only code that moves `seats_taken`
answers  guests answer and withdraw
hosting  hosts lay, change and cancel a party
"""
