# users: comes with its room.
