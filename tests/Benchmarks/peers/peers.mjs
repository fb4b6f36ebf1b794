// Decides the same two rules on the same input with casbin and with Cedar (WebAssembly), in this process.
// Reads lines "NAME COUNT" and answers each with the nanoseconds that one decision took; "end" ends it.
//
// The rules: whoever is suspended or closed is denied; otherwise owners may read their orders.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { newEnforcer, newModelFromString, StringAdapter } from 'casbin';

const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs');

const subject = { id: 'u-17', type: 'user', tenant: 'acme', status: 'active', country: 'DE' };
const order = { owner: 'u-17', tenant: 'acme' };

const enforcer = await newEnforcer(
  newModelFromString(`
[request_definition]
r = sub, obj, act
[policy_definition]
p = act, condition, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.act == p.act && eval(p.condition)
`),
  new StringAdapter(`
p, orders.read, r.sub.status == 'suspended' || r.sub.status == 'closed', deny
p, orders.read, r.obj.owner == r.sub.id, allow
`),
);

const policies = `
forbid(principal, action, resource) when { principal.status == "suspended" || principal.status == "closed" };
permit(principal, action == Action::"orders.read", resource) when { resource.owner == principal.id };
`;
cedar.preparsePolicySet('orders', { staticPolicies: policies });
const question = {
  principal: { type: 'User', id: 'u-17' },
  action: { type: 'Action', id: 'orders.read' },
  resource: { type: 'Order', id: 'o-1' },
  context: {},
  preparsedPolicySetId: 'orders',
  preparsedSchemaName: null,
  validateRequest: false,
  entities: [
    { uid: { type: 'User', id: 'u-17' }, attrs: subject, parents: [] },
    { uid: { type: 'Order', id: 'o-1' }, attrs: order, parents: [] },
  ],
};

const peers = {
  casbin: () => enforcer.enforceSync(subject, order, 'orders.read'),
  cedar: () => cedar.statefulIsAuthorized(question).response?.decision === 'allow',
};

for (const [name, decide] of Object.entries(peers)) {
  if (decide() !== true) {
    throw new Error(`${name} does not allow what the rules allow.`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, count] = line.split(' ');
  if (name === 'end') {
    break;
  }

  const start = process.hrtime.bigint();
  for (let i = 0; i < Number(count); i++) {
    peers[name]();
  }

  console.log(Number(process.hrtime.bigint() - start) / Number(count));
}
