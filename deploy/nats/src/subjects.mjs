// The subjects that this bridge answers, obeys and publishes on.

export const Subjects = Object.freeze({
  policyHash: 'titan.req.exec.policy_hash.v1',
  arm: 'titan.cmd.operator.arm.v1',
  disarm: 'titan.cmd.operator.disarm.v1',

  // The code of the services that this grew from publishes on the second, their runbook listens on the first.
  rejections: Object.freeze(['titan.evt.exec.reject.v1', 'titan.evt.execution.reject.v1']),
});
