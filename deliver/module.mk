# deliver: comes with its room.
