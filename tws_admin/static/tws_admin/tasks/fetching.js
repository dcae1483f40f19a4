/**
 * Fetch JSON from the admin.
 *
 * @param {string} url
 * @returns {Promise<object|null>} Null when the session has ended: the admin sends to its login. Rejects with an
 *   Error that has the `status` when there is another answer.
 */
export async function fetch_json(url, fetch = globalThis.fetch) {
  const answer = await fetch(url, { headers: { Accept: 'application/json' }, cache: 'no-store' });
  if (answer.redirected || answer.status === 403) return null;
  if (!answer.ok) throw Object.assign(new Error(`expected JSON, got status ${answer.status}`), { status: answer.status });
  return answer.json();
}
