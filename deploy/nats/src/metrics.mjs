// Counters and gauges in Prometheus' text format 0.0.4, and whether the bridge is ready.

import { createServer } from 'node:http';

const DESCRIPTIONS = {
  policy_nats_bridge_messages_total: ['counter', 'Messages from NATS by subject and what became of them.'],
  policy_nats_bridge_connected: ['gauge', '1 where the side (nats, events) is connected, 0 where not.'],
  policy_nats_bridge_disarm_pending: ['gauge', '1 while a disarm was received and the control plane has not confirmed it.'],
  policy_nats_bridge_rejections_published_total: ['counter', 'Rejection events published, each on both subjects.'],
  policy_nats_bridge_rejections_dropped_total: ['counter', 'Rejection events that found no room while NATS was away.'],
  policy_nats_bridge_stream_gaps_total: ['counter', 'Times that the stream of events was lost: rejections told meanwhile are only in the control plane\'s metrics.'],
};

export class Metrics {
  #series = new Map();

  constructor() {
    for (const side of ['nats', 'events']) {
      this.set('policy_nats_bridge_connected', 0, { side });
    }
    this.set('policy_nats_bridge_disarm_pending', 0);
    this.add('policy_nats_bridge_rejections_published_total', 0);
    this.add('policy_nats_bridge_rejections_dropped_total', 0);
    this.add('policy_nats_bridge_stream_gaps_total', 0);
  }

  add(name, by = 1, labels = {}) {
    const key = seriesOf(name, labels);
    this.#series.set(key, (this.#series.get(key) ?? 0) + by);
  }

  set(name, value, labels = {}) {
    this.#series.set(seriesOf(name, labels), value);
  }

  /** A message and what became of it: `done`, or the code of its refusal. */
  message(subject, outcome) {
    this.add('policy_nats_bridge_messages_total', 1, { subject, outcome });
  }

  get(name, labels = {}) {
    return this.#series.get(seriesOf(name, labels)) ?? 0;
  }

  get isReady() {
    return ['nats', 'events'].every((side) => this.get('policy_nats_bridge_connected', { side }) === 1);
  }

  toText() {
    return Object.entries(DESCRIPTIONS)
      .map(([name, [type, help]]) => {
        const lines = [...this.#series].filter(([key]) => key === name || key.startsWith(`${name}{`)).map(([key, value]) => `${key} ${value}\n`);
        return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
      })
      .join('');
  }
}

/** Serves `/metrics`, `/healthz` (the process lives) and `/readyz` (both sides are connected). */
export async function serve(metrics, { host, port }) {
  const server = createServer((request, response) => {
    const [status, type, body] = answer(metrics, request);
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(body);
  });
  server.requestTimeout = 5_000;
  server.maxConnections = 64;
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}

function answer(metrics, request) {
  if (request.method !== 'GET') {
    return [405, 'text/plain', ''];
  }
  switch (request.url) {
    case '/metrics':
      return [200, 'text/plain; version=0.0.4', metrics.toText()];
    case '/healthz':
      return [200, 'application/json', '{"status":"ok"}'];
    case '/readyz':
      return [metrics.isReady ? 200 : 503, 'application/json', JSON.stringify({ ready: metrics.isReady })];
    default:
      return [404, 'text/plain', ''];
  }
}

// Labels are codes and subjects of ours: nothing in them needs to be escaped.
function seriesOf(name, labels) {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length > 0 ? `${name}{${pairs.join(',')}}` : name;
}
