// The signed envelope: `sig` is the hex HMAC-SHA256 over "<ts>.<nonce>.<payload as JSON with its keys sorted at every depth>".
// The signature covers neither the envelope's own fields nor the subject, so what is signed must itself say what it is for.

import { createHmac, timingSafeEqual } from 'node:crypto';

const BYTES_MAX = 16 * 1024;
const DEPTH_MAX = 32;
const NONCE = /^[A-Za-z0-9_-]{16,128}$/;
const SIGNATURE = /^[0-9a-f]{64}$/i;

/** The message is refused; the code is stable. */
export class EnvelopeError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * Opens an envelope: its form, its signature, its age. Whether its nonce was used before is for the caller to see.
 * @returns {{ ts: number, nonce: string, payload: object }}
 */
export function openEnvelope(bytes, { secret, toleranceMs, now }) {
  if (bytes.length > BYTES_MAX) {
    throw new EnvelopeError('envelope.too_large', `An envelope has at most ${BYTES_MAX} bytes.`);
  }
  const { ts, nonce, sig, payload, type } = parse(bytes);
  if (sig === undefined || nonce === undefined || ts === undefined) {
    throw new EnvelopeError('envelope.unsigned', 'It is not signed: ts, nonce and sig are needed.');
  }
  if (!Number.isSafeInteger(ts) || typeof nonce !== 'string' || !NONCE.test(nonce) || typeof sig !== 'string' || !SIGNATURE.test(sig)
    || typeof type !== 'string' || !isObject(payload)) {
    throw new EnvelopeError('envelope.malformed', 'ts is in ms, nonce has 16 to 128 letters, sig is hex SHA-256, type a text and payload an object.');
  }
  const expected = createHmac('sha256', secret).update(`${ts}.${nonce}.${JSON.stringify(sorted(payload, 0))}`).digest();
  if (!timingSafeEqual(expected, Buffer.from(sig, 'hex'))) {
    throw new EnvelopeError('envelope.signature', 'The signature is wrong.');
  }
  // Only what is signed has an age worth telling.
  if (now - ts > toleranceMs) {
    throw new EnvelopeError('envelope.stale', `It was signed ${Math.round((now - ts) / 1000)} s ago.`);
  }
  if (ts - now > toleranceMs) {
    throw new EnvelopeError('envelope.future', `It was signed ${Math.round((ts - now) / 1000)} s in the future.`);
  }
  return { ts, nonce, payload };
}

function parse(bytes) {
  let envelope;
  try {
    envelope = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new EnvelopeError('envelope.malformed', 'It is no JSON.');
  }
  if (!isObject(envelope)) {
    throw new EnvelopeError('envelope.malformed', 'It is no JSON object.');
  }
  return envelope;
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(value, depth) {
  if (depth > DEPTH_MAX) {
    throw new EnvelopeError('envelope.malformed', `It is nested more than ${DEPTH_MAX} deep.`);
  }
  if (Array.isArray(value)) {
    return value.map((item) => sorted(item, depth + 1));
  }
  if (!isObject(value)) {
    return value;
  }
  // Without a prototype, so that a key named __proto__ is a key, and signed, like every other.
  const result = Object.create(null);
  for (const key of Object.keys(value).sort()) {
    result[key] = sorted(value[key], depth + 1);
  }
  return result;
}
