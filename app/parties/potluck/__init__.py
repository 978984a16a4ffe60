"""Potluck: dishes that guests are asked to bring, and claim."""
