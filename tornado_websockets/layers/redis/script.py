"""What Redis does in one step, in its own language. Pure: no I/O.

The scripts run on Redis 6.2 and later, and on Valkey.
"""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["READ", "SEND", "Script"]


class Script:
    """A Lua script, that Redis knows by the hash of it.

    Attributes:
        text: what it does.
        sha: its name.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        # What Redis calls a script is no secret.
        self.sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


# A batch that was sent again, since nobody knew whether it had arrived, does nothing: each process
# numbers its batches of a path. An error undoes nothing, so the number is noted when the batch is
# kept. The ids of a stream's entries are made here and not by XADD, so that those of a batch differ
# in their last number only. An entry says which one was before it (b), so that a reader sees a gap,
# and how many bytes were (s), so that those kept can be told.
SEND: Final = Script("""
local number, last = tonumber(ARGV[2]), redis.call('GET', KEYS[1])
if last and tonumber(last) >= number then return 0 end
if #KEYS == 1 then
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
  redis.call('PUBLISH', ARGV[1], 'L ' .. ARGV[4] .. '\\n' .. table.concat(ARGV, '', 5))
  return 1
end

local stream, meta = KEYS[2], KEYS[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HMGET', meta, 'epoch', 'top', 'bytes')
local epoch, top, bytes = known[1], known[2], tonumber(known[3])
if not epoch then
  redis.call('DEL', stream)
  epoch, top, bytes = ARGV[5], '0-0', 0
end
local before, first = top, nil
local ms, seq = string.match(top, '(%d+)-(%d+)')
ms, seq = tonumber(ms), tonumber(seq)
if now > ms then ms, seq = now, -1 end
for i = 10, #ARGV do
  seq = seq + 1
  local id = string.format('%.0f-%.0f', ms, seq)
  local sum = string.format('%.0f', bytes)
  redis.call('XADD', stream, id, 'o', ARGV[4], 'e', ARGV[i], 'b', top, 's', sum)
  bytes = bytes + #ARGV[i]
  first, top = first or id, id
end
redis.call('HSET', meta, 'epoch', epoch, 'top', top, 'bytes', string.format('%.0f', bytes))
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])

redis.call('XTRIM', stream, 'MAXLEN', ARGV[6])
if ARGV[7] ~= '' then
  redis.call('XTRIM', stream, 'MINID', string.format('%.0f-0', now - tonumber(ARGV[7])))
end
if ARGV[8] ~= '' then
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  while oldest and bytes - (tonumber(oldest[2][8]) or 0) > tonumber(ARGV[8]) do
    redis.call('XTRIM', stream, 'MAXLEN', redis.call('XLEN', stream) - 1)
    oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  end
end
redis.call('EXPIRE', stream, ARGV[9])
redis.call('EXPIRE', meta, ARGV[9])
redis.call('PUBLISH', ARGV[1], 'H ' .. ARGV[4] .. ' ' .. epoch .. ' ' .. before .. ' ' .. first
  .. '\\n' .. table.concat(ARGV, '', 10))
return 1
""")
"""Keeps a batch of events, when its path has a history, and publishes it.

KEYS: number of the last batch; with a history also stream · its epoch, top and bytes.
ARGV: channel · number · seconds that it is known · sender; then the events, or: an epoch, should
there be none · events, milliseconds, bytes to keep · seconds until an idle path is forgotten ·
events.
It returns 0 when the batch was there before.
"""

# It writes seldom: a write has to wait for the disk, where Redis syncs each one.
READ: Final = Script("""
local known = redis.call('HMGET', KEYS[2], 'epoch', 'top')
if not known[1] then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'top', '0-0', 'bytes', '0')
  known = {ARGV[1], '0-0'}
elseif known[1] == ARGV[5] then
  redis.call('HSET', KEYS[2], 'epoch', ARGV[1])
  known[1] = ARGV[1]
end
if redis.call('TTL', KEYS[2]) < tonumber(ARGV[4]) / 2 then
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  redis.call('EXPIRE', KEYS[2], ARGV[4])
end
return {known[1], known[2], redis.call('XRANGE', KEYS[1], '(' .. ARGV[2], '+', 'COUNT', ARGV[3])}
""")
"""Returns what is kept of a path: its epoch, its top, and the entries behind an offset.

KEYS: stream · its epoch, top and bytes. ARGV: an epoch, should there be none · the offset · how
many · seconds until an idle path is forgotten · an epoch that is over.
"""
