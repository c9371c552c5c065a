// What kustomize made (standard input), as a pod that podman 4.3 can play:
//   playable.mjs service PORT ADMIN_PORT    the Deployment, on these ports of loopback
//   playable.mjs load ADDRESS               a pod of the load Job, which makes a small load on that address
//
// That podman does not know the pod's namespace, expand $(VARIABLES), or leave `optional` of a Secret out, and it publishes
// every port. It takes no Job.

import { text } from 'node:stream/consumers'
import { parseAllDocuments, stringify } from 'yaml'

const NAMESPACE = 'default'
const LOAD = ['--connections', '50', '--rate', '500', '--duration', '4s']

const objects = parseAllDocuments(await text(process.stdin)).map(document => document.toJS())
const ofKind = kind => objects.find(object => object.kind === kind)
const [what, ...parameters] = process.argv.slice(2)
console.log(stringify(what === 'service' ? service(ofKind('Deployment'), parameters) : load(ofKind('Job'), parameters)))

function service(deployment, ports) {
  const { spec } = deployment.spec.template
  const [container] = spec.containers
  deployment.spec.replicas = 1
  spec.volumes[0].secret.optional = false
  container.env = container.env.map(({ name, value, valueFrom }) => {
    if (valueFrom?.fieldRef.fieldPath === 'metadata.namespace') return { name, value: NAMESPACE }
    return valueFrom ? { name, valueFrom } : { name, value: value.replaceAll('$(POD_NAMESPACE)', NAMESPACE) }
  })
  for (const [i, port] of container.ports.entries())
    Object.assign(port, { hostIP: '127.0.0.1', hostPort: Number(ports[i]) })
  return deployment
}

function load(job, [address]) {
  const { metadata, spec } = job.spec.template
  const [container] = spec.containers
  container.args = [`ws://${address}:8888`, ...LOAD]
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: `${job.metadata.name}-0` }, spec }
}
