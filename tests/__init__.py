"""The tests of DinnerParty."""
