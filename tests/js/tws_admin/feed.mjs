/** Frames of the monitor's feed, as docs/monitor-feed.md describes them, for tests. */

export const SERIES = ['connections', 'events_in', 'p95_ms'];

export function rings({ step_s = 1, size = 600, end = 1000, value = null } = {}) {
  const series = Object.fromEntries(SERIES.map((name) => [name, new Array(size).fill(value)]));
  return { step_s, end, series };
}

export function snapshot(more = {}) {
  return {
    v: 1,
    epoch: 'first',
    seq: 10,
    time: 1000,
    server: { host: 'box', pid: 1, state: 'serving' },
    totals: { connections: 2, opened: 2, events_in: 100 },
    paths: [
      {
        path: '/chat',
        connections: 2,
        events_in: 100,
        events: [{ event: 'message', calls: 100, errors: 0 }],
        closed_by_code: {},
      },
    ],
    history: rings(),
    bars: [],
    tasks: [],
    lifecycle: [],
    may: [],
    ...more,
  };
}

export function tick(seq, more = {}) {
  return { v: 1, epoch: 'first', seq, since: seq - 1, time: 990 + seq, ...more };
}
