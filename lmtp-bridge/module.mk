# lmtp-bridge: comes with its room.
