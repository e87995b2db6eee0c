# quota: comes with its room.
