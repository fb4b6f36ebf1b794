#!/usr/bin/env node
// Lets services that speak NATS ask for a fleet's policy hash, disarm and arm it, and hear of rejections. See README.md.

import { mkdirSync } from 'node:fs';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import { Commands } from './src/commands.mjs';
import { ControlPlane, RefusedError, UnreachableError } from './src/controlPlane.mjs';
import { EventStream } from './src/eventStream.mjs';
import { Log } from './src/log.mjs';
import { Metrics, serve } from './src/metrics.mjs';
import { NonceMemory } from './src/nonces.mjs';
import { PolicyHashes } from './src/policyHash.mjs';
import { Rejections } from './src/rejections.mjs';
import { readSettings, SettingsError } from './src/settings.mjs';
import { Subjects } from './src/subjects.mjs';

// The most messages that are worked on at once. A disarm is obeyed above it too; only who sent it is told nothing.
const AT_ONCE_MAX = 1_000;

const log = new Log();
const metrics = new Metrics();
const stop = new AbortController();

process.once('SIGTERM', () => stop.abort());
process.once('SIGINT', () => stop.abort());
process.on('uncaughtException', (error) => end(1, 'failed', error));

main().catch((error) => end(error instanceof SettingsError || error instanceof RefusedError ? 2 : 1, 'failed', error));

async function main() {
  const settings = readSettings(process.env);
  mkdirSync(settings.stateFolder, { recursive: true, mode: 0o700 });
  const nonces = new NonceMemory(settings.stateFolder);
  const controlPlane = new ControlPlane(settings);
  const commands = new Commands(controlPlane, nonces, settings, metrics, log);
  const rejections = new Rejections(settings.fleet, metrics, log);
  const server = await serve(metrics, settings.listen);
  log.info('started', { server: settings.server, tenant: settings.tenant, fleet: settings.fleet, nodes: settings.nodes, listen: server.address().port });
  await check(controlPlane, settings);
  commands.resume();
  void new EventStream(controlPlane, metrics, log).follow((name, data) => rejections.take(name, data), stop.signal);

  const nats = await Promise.race([connectNats(settings.nats), stopped()]);
  if (nats) {
    const hashes = new PolicyHashes(controlPlane, settings);
    answer(nats, Subjects.policyHash, () => hashes.ask());
    answer(nats, Subjects.disarm, (data) => commands.disarm(data));
    answer(nats, Subjects.arm, (data) => commands.arm(data));
    await nats.flush();
    metrics.set('policy_nats_bridge_connected', 1, { side: 'nats' });
    log.info('nats.connected', { server: nats.getServer() });
    void watch(nats, rejections);
    void rejections.publish(nats, stop.signal);
    await stopped();
    await Promise.race([nats.drain(), new Promise((resolve) => setTimeout(resolve, 3_000))]).catch(() => {});
  }
  log.info('stopped');
  process.exit(0);
}

// A key that is refused, or a fleet or node that is none, is told at the start and not in an emergency.
async function check(controlPlane, { fleet, nodes }) {
  try {
    await controlPlane.get(`/fleets/${fleet}`);
    await Promise.all(nodes.map((node) => controlPlane.get(`/fleets/${fleet}/nodes/${node}`)));
  } catch (error) {
    if (!(error instanceof UnreachableError)) {
      throw error;
    }
    log.warn('control_plane.unreachable', { message: error.message });
  }
}

async function connectNats({ servers, user, pass, token, creds, ca, cert, certKey }) {
  return await connect({
    servers,
    user,
    pass,
    token,
    authenticator: creds ? credsAuthenticator(creds) : undefined,
    tls: ca || cert ? { ca: ca?.toString(), cert: cert?.toString(), key: certKey?.toString() } : undefined,
    name: 'orleans-policy-bridge',
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 250,
    ignoreAuthErrorAbort: true,
    pingInterval: 10_000,
    maxPingOut: 2,
  });
}

function answer(nats, subject, act) {
  let atOnce = 0;
  nats.subscribe(subject, {
    callback: async (problem, message) => {
      if (problem) {
        end(2, 'nats.refused', problem);
        return;
      }
      if (atOnce >= AT_ONCE_MAX) {
        if (subject === Subjects.disarm) {
          void act(message.data);
        }
        refuse(subject, 'bridge.busy', 'Too many messages at once.');
        return;
      }
      atOnce++;
      try {
        const said = await act(message.data);
        metrics.message(subject, outcomeOf(said.code));
        reply(message, said);
      } catch (error) {
        const code = error instanceof UnreachableError ? 'control_plane.unreachable' : error.code ?? 'bridge.failed';
        refuse(subject, code, error.message);
        if (subject !== Subjects.policyHash) {
          // Who asks for a hash gets a true one or none.
          reply(message, { ok: false, code, message: error.message });
        }
      } finally {
        atOnce--;
      }
    },
  });
}

function refuse(subject, code, message) {
  metrics.message(subject, outcomeOf(code));
  log.refused({ subject, code, message });
}

// A label of a metric: codes of ours and of the control plane, whatever else an error may carry.
function outcomeOf(code) {
  return code === undefined ? 'done' : /^[a-z0-9._]{1,80}$/.test(code) ? code : 'other';
}

function reply(message, body) {
  if (message.reply) {
    message.respond(JSON.stringify(body));
  }
}

async function watch(nats, rejections) {
  for await (const { type, error } of nats.status()) {
    if (type === 'disconnect' || type === 'reconnect') {
      metrics.set('policy_nats_bridge_connected', type === 'reconnect' ? 1 : 0, { side: 'nats' });
      log[type === 'reconnect' ? 'info' : 'warn'](`nats.${type}ed`);
      rejections.connected();
    } else if (type === 'error') {
      log.error('nats.error', { message: error?.message });
    }
  }
  if (!stop.signal.aborted) {
    end(1, 'nats.closed', new Error('The connection to NATS was closed.'));
  }
}

function stopped() {
  return new Promise((resolve) => (stop.signal.aborted ? resolve() : stop.signal.addEventListener('abort', () => resolve(), { once: true })));
}

function end(code, event, error) {
  log.error(event, { code: error.code, message: error.message });
  process.exit(code);
}
