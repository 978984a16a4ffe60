"""What happens to accounts. Functions fetch, decide and store; they flush, never commit, never flash.

members        add somebody
registration   from a visitor's form to a member, by a letter or at once
pipeline       what is asked of who registers, and the signals by which packages join in
invitations    from an administrator's letter to a member
identities     who members are elsewhere
logins         log in, stay in, log out, be thrown out
guard          the counters that keep guessers out
passwords      their stored form, and whether one will do
directory      the directory of an organisation, which knows the passwords in place of us
password_changes  another one, by letter or by whoever knows the old one
links          what is behind a link in a letter
profile        what members say about themselves
emails         another address, and the old one back
tokens         what stands in links and between two steps
moderation     what administrators do with the accounts of others
statistics     how many there are, and how often they come
cleanup        delete what has expired
"""
