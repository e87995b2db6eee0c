# sieve-lite: comes with its room.
