# store: comes with its room.
