// DISARM from anyone, ARM from who holds the secret. A disarm is carried out however long that takes, over restarts of this process; an
// arm at once or not at all, and never while a disarm is on its way.

import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from './backoff.mjs';
import { EnvelopeError, openEnvelope } from './envelope.mjs';
import { writeDurably } from './nonces.mjs';

const REASON_MAX = 1_000;
const JSON_BYTES_MAX = 16 * 1024;
const OPERATOR_MAX = 100;

// Anyone may disarm, as often as they like: disarms that come while one is carried out become one, and they follow each other so slowly
// that the audit stays readable.
const DISARM_EVERY_MS = 250;

export class Commands {
  #controlPlane;
  #path;
  #settings;
  #nonces;
  #metrics;
  #log;
  #file;
  #waiting;
  #current;
  #arms = new Set();

  constructor(controlPlane, nonces, settings, metrics, log) {
    this.#controlPlane = controlPlane;
    this.#path = `/fleets/${settings.fleet}`;
    this.#settings = settings;
    this.#nonces = nonces;
    this.#metrics = metrics;
    this.#log = log;
    this.#file = join(settings.stateFolder, 'disarm.json');
  }

  /** Goes on with a disarm that an earlier life of this process was told and could not carry out. */
  resume() {
    let left;
    try {
      left = JSON.parse(readFileSync(this.#file, 'utf8'));
    } catch (error) {
      if (error.code === 'ENOENT') {
        return;
      }
      // Whatever it said, it was a disarm.
      left = {};
    }
    this.#log.warn('disarm.resumed', { reason: left.reason });
    void this.#enqueue(String(left.reason ?? 'disarm, carried on after a restart'), left.id);
  }

  /**
   * Disarms the fleet.
   * @returns {Promise<object>} What the control plane said; or, where it could not be asked, that it is asked again until it answers.
   */
  disarm(bytes) {
    return this.#enqueue(`DISARM over NATS: ${reasonOf(bytes)}`);
  }

  /**
   * Arms the fleet.
   * @throws {EnvelopeError} With the code of what is wrong; nothing was done then.
   */
  async arm(bytes) {
    const now = Date.now();
    const { ts, nonce, payload } = openEnvelope(bytes, { secret: this.#settings.secret, toleranceMs: this.#settings.toleranceMs, now });
    if (payload.type !== 'ARM_SYSTEM') {
      throw new EnvelopeError('arm.type', 'The signed payload does not say that it is an arm: its type must be ARM_SYSTEM.');
    }
    const reason = wordsOf(payload.reason, REASON_MAX);
    if (!reason) {
      throw new EnvelopeError('arm.reason_missing', 'The signed payload has no reason.');
    }
    const operator = wordsOf(payload.operator_id, OPERATOR_MAX);
    if (!operator) {
      throw new EnvelopeError('arm.operator_missing', 'The signed payload has no operator_id.');
    }
    if (this.#nonces.has(nonce)) {
      throw new EnvelopeError('envelope.replayed', 'Its nonce was used before.');
    }
    if (this.#waiting || this.#current) {
      throw new EnvelopeError('arm.disarm_pending', 'A disarm is being carried out.');
    }
    try {
      // As long as the envelope could be obeyed, and as much again: a clock that is set back must not make it young.
      this.#nonces.add(nonce, ts + 2 * this.#settings.toleranceMs);
    } catch (error) {
      throw new EnvelopeError('arm.state_unwritable', `Its nonce cannot be remembered: ${error.message}`);
    }

    // The id is made of the nonce, so that the control plane too carries an envelope out once.
    const asked = this.#controlPlane.post(
      `${this.#path}/arm?wait=0`,
      { reason: `ARM over NATS by ${operator}: ${reason}` },
      { idempotencyKey: `nats-arm-${createHash('sha256').update(nonce).digest('hex')}` });
    this.#arms.add(asked);
    try {
      const { status, body } = await asked;
      if (status === 202) {
        throw new EnvelopeError('arm.second_person', `It was disarmed in an emergency: another person arms with pending_id ${body.pending_id}.`);
      }
      this.#log.info('armed', { operator, reason, arm_epoch: body.arm_epoch });
      return said(body);
    } finally {
      this.#arms.delete(asked);
    }
  }

  #enqueue(reason, id = randomUUID()) {
    if (!this.#waiting) {
      this.#waiting = { id, reason, ...deferred() };
      this.#metrics.set('policy_nats_bridge_disarm_pending', 1);
      try {
        writeDurably(this.#file, JSON.stringify({ id, reason }));
      } catch (error) {
        // Stopping does not wait for a disk.
        this.#log.error('state.unwritable', { message: error.message });
      }
    }
    const { promise } = this.#waiting;
    if (!this.#current) {
      void this.#run();
    }
    return promise;
  }

  async #run() {
    while (this.#waiting) {
      this.#current = this.#waiting;
      this.#waiting = undefined;
      const pause = sleep(DISARM_EVERY_MS);
      await this.#carryOut(this.#current);
      await pause;
    }
    this.#current = undefined;
    rmSync(this.#file, { force: true });
    this.#metrics.set('policy_nats_bridge_disarm_pending', 0);
  }

  async #carryOut({ id, reason, resolve }) {
    const arms = [...this.#arms];
    resolve(await this.#say(id, reason, resolve));
    if (arms.length > 0) {
      // An arm that was on its way when the disarm came may have been carried out after it.
      await Promise.allSettled(arms);
      await this.#say(randomUUID(), reason, () => {});
    }
  }

  async #say(id, reason, tell) {
    const backoff = new Backoff(100, 2_000);
    for (;;) {
      try {
        const { body } = await this.#controlPlane.post(`${this.#path}/disarm?wait=0`, { reason }, { idempotencyKey: `nats-disarm-${id}` });
        this.#log.info('disarmed', { reason, arm_epoch: body.arm_epoch, unconfirmed_count: body.unconfirmed_count, in_force_by: body.in_force_by });
        return said(body);
      } catch (error) {
        this.#log.error('disarm.pending', { code: error.code, message: error.message });
        tell({ ok: false, pending: true, code: error.code ?? 'control_plane.unreachable', message: error.message });
      }
      await backoff.wait();
    }
  }
}

function said({ armed, arm_epoch, confirmed, unconfirmed_count, in_force_by }) {
  return { ok: true, armed, arm_epoch, confirmed, unconfirmed_count, in_force_by };
}

function deferred() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

// Any payload is a reason; of an action as the services' tools send it, the words in it.
function reasonOf(bytes) {
  const text = new TextDecoder().decode(bytes.subarray(0, JSON_BYTES_MAX));
  if (bytes.length <= JSON_BYTES_MAX) {
    try {
      const action = JSON.parse(text);
      const reason = wordsOf(action?.reason ?? action?.payload?.reason, REASON_MAX);
      if (reason) {
        const operator = wordsOf(action.operator_id ?? action.payload?.operator_id, OPERATOR_MAX);
        return operator ? `${reason} (${operator})` : reason;
      }
    } catch {
      // Then it is a text.
    }
  }
  return wordsOf(text, REASON_MAX) || 'without a reason';
}

// One line of visible text. What is cut is never half a character, which would be no JSON.
function wordsOf(value, lengthMax) {
  if (typeof value !== 'string') {
    return '';
  }
  const line = value.slice(0, 2 * lengthMax).replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return line.slice(0, lengthMax).replace(/[\uD800-\uDBFF]$/, '');
}
