// Publishes the decisions that the fleet's nodes refused. They are kept, up to a bound, while NATS is away.

import { randomUUID } from 'node:crypto';
import { Backoff } from './backoff.mjs';
import { Subjects } from './subjects.mjs';

const WAITING_MAX = 1_000;
const BATCH_MAX = 100;

// The words that the services know; every other reason keeps its code.
const REASONS = { 'decide.disarmed': 'system_disarmed', 'decide.superseded': 'policy_hash_mismatch', 'decide.parity': 'policy_hash_mismatch' };

export class Rejections {
  #fleet;
  #metrics;
  #log;
  #waiting = [];
  #wake = () => {};

  constructor(fleet, metrics, log) {
    this.#fleet = fleet;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Takes an event of the tenant. */
  take(name, data) {
    if (name !== 'rejection' || data.fleet !== this.#fleet) {
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) {
      this.#metrics.add('policy_nats_bridge_rejections_dropped_total');
      return;
    }
    this.#waiting.push(Buffer.from(JSON.stringify(messageOf(data))));
    this.#wake();
  }

  /** Publishes until the signal. An event counts as published once the server has said so; until then it is published again. */
  async publish(nats, signal) {
    const backoff = new Backoff(100, 2_000);
    while (!signal.aborted) {
      if (this.#waiting.length === 0 || this.#metrics.get('policy_nats_bridge_connected', { side: 'nats' }) === 0) {
        await this.#somethingToDo(signal);
        continue;
      }
      const batch = this.#waiting.slice(0, BATCH_MAX);
      try {
        for (const message of batch) {
          for (const subject of Subjects.rejections) {
            nats.publish(subject, message);
          }
        }
        await nats.flush();
        this.#waiting.splice(0, batch.length);
        this.#metrics.add('policy_nats_bridge_rejections_published_total', batch.length);
        backoff.reset();
      } catch (error) {
        this.#log.warn('rejections.waiting', { waiting: this.#waiting.length, message: error.message });
        await backoff.wait(signal).catch(() => {});
      }
    }
  }

  /** NATS is there again. */
  connected() {
    this.#wake();
  }

  #somethingToDo(signal) {
    return new Promise((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', resolve, { once: true });
    });
  }
}

function messageOf({ fleet, node, reason, count, expected_policy_hash, got_policy_hash, at }) {
  const timestamp = Date.parse(at);
  return {
    event_type: 'execution.intent.rejected',
    reason: REASONS[reason] ?? reason,
    expected_policy_hash: expected_policy_hash ?? 'N/A',
    got_policy_hash: got_policy_hash ?? 'N/A',
    intent_id: 'N/A',
    brain_instance_id: 'N/A',
    timestamp: Number.isNaN(timestamp) ? Date.now() : timestamp,
    event_id: randomUUID(),
    code: reason,
    count,
    fleet,
    node,
  };
}
