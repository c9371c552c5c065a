// Which machine, pod and worker answers: tests of gateways ask.

import { hostname } from 'node:os'

export interface Host {
  readonly worker: number
  readonly host: string
  /** Of Kubernetes, where the environment has them (its downward API); null elsewhere. */
  readonly pod: string | null
  readonly namespace: string | null
}

export function hostOf(worker: number, environment: NodeJS.ProcessEnv = process.env): Host {
  return {
    worker,
    host: hostname(),
    pod: environment.POD_NAME ?? null,
    namespace: environment.POD_NAMESPACE ?? environment.NAMESPACE ?? null,
  }
}
