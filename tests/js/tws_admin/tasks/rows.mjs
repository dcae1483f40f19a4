/** Rows of runs, as the server sends them, for tests. */

export const NOW = 1_000_000;

export function row(more = {}) {
  return {
    id: 'a',
    state: 'running',
    wish: '',
    title: 'Publish',
    site: 'admin',
    model: 'app.model',
    action: 'publish',
    user: '1',
    username: 'ann',
    engine: 'thread',
    attempt: 1,
    done: 40,
    total: 100,
    label: 'Dune',
    rate: 10,
    eta_s: 6,
    errors: 0,
    created: NOW - 100,
    started: NOW - 90,
    progressed: NOW - 1,
    wished: null,
    ended: null,
    url: '/admin/tws_admin/progresstask/a/change/',
    ...more,
  };
}
