"""What happens to accounts. Functions fetch, decide and store; they flush, never commit, never flash.

members        add somebody
registration   from a visitor's form to a member, by a letter
logins         log in, stay in, log out, be thrown out
guard          the counters that keep guessers out
passwords      their stored form, and whether one will do
tokens         what stands in links and between two steps
"""
