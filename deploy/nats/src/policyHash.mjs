// Answers which policy the execution side runs: what its nodes said that they decide under, not what they should.

import { setTimeout as sleep } from 'node:timers/promises';
import { UnreachableError } from './controlPlane.mjs';

// Who asks waits 5 s: an answer that comes later is none.
const PATIENCE_MS = 4_000;
const RETRY_MS = 250;
const REMEMBERED_MAX = 100;

/** There is no answer that would be true. */
export class NoHashError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class PolicyHashes {
  #controlPlane;
  #fleetPath;
  #nodes;
  #comparable = new Map();
  #reading;
  #next;

  constructor(controlPlane, { fleet, nodes }) {
    this.#controlPlane = controlPlane;
    this.#fleetPath = `/fleets/${fleet}`;
    this.#nodes = nodes;
  }

  /**
   * The hash that all execution nodes run: of the document for bundles that are one, else of the bundle. Read after this was called;
   * however many ask at once, one read is under way.
   * @returns {Promise<{ policy_hash: string, timestamp: number, policy_version?: string }>}
   * @throws {NoHashError} Where a node is silent or none, or they disagree.
   * @throws {UnreachableError} Where the control plane cannot say.
   */
  ask() {
    if (!this.#reading) {
      this.#reading = this.#readPatiently().finally(() => (this.#reading = undefined));
      return this.#reading;
    }
    this.#next ??= this.#reading
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.ask();
      });
    return this.#next;
  }

  async #readPatiently() {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const left = deadline - Date.now();
      try {
        return await this.#read(Math.max(left, 1));
      } catch (error) {
        if (!(error instanceof UnreachableError) || left <= RETRY_MS) {
          throw error;
        }
        await sleep(RETRY_MS);
      }
    }
  }

  async #read(timeoutMs) {
    const nodes = await Promise.all(
      this.#nodes.map(async (node) => (await this.#controlPlane.get(`${this.#fleetPath}/nodes/${node}`, { timeoutMs })).body));
    const silent = nodes.find((node) => node.state !== 'live');
    if (silent) {
      throw new NoHashError('hash.node_silent', `Node ${silent.node} is ${silent.state}: what it runs is not known.`);
    }
    const [hash, ...others] = new Set(nodes.map((node) => node.policy_hash));
    if (!hash) {
      throw new NoHashError('hash.none', 'The execution side runs no policy.');
    }
    if (others.length > 0) {
      throw new NoHashError('hash.disagree', `The execution nodes run different policies: ${[hash, ...others].join(', ')}.`);
    }
    const bundle = await this.#bundle(hash, timeoutMs);
    return { policy_hash: bundle.comparable, timestamp: Date.now(), policy_version: bundle.version };
  }

  // What a bundle is never changes under its hash.
  async #bundle(hash, timeoutMs) {
    const known = this.#comparable.get(hash);
    if (known) {
      return known;
    }
    const { body } = await this.#controlPlane.get(`/bundles/${hash}`, { timeoutMs });
    const found = { comparable: body.document_hash ?? body.policy_hash, version: body.version };
    if (this.#comparable.size >= REMEMBERED_MAX) {
      this.#comparable.clear();
    }
    this.#comparable.set(hash, found);
    return found;
  }
}
