// The service under test: started for the run on free ports, or one that runs already.

import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { startProxy } from '../support/http2-proxies.js'
import { Service } from '../support/service.js'
import { AdminClient } from './admin-client.js'
import type { Options } from './options.js'

/** Closed connections that the service keeps reports of: more than a run makes, on a single worker too. */
const REPORTS = 2000

export interface Target {
  readonly url: string
  /** Undefined when its counts are not asked for. */
  readonly admin: AdminClient | undefined
  /** Ends the service if it was started here. */
  stop(): Promise<void>
}

/** @throws Error when the service does not start. */
export async function openTarget({
  url,
  adminUrl,
  reconcile,
  throughNghttpx,
  serviceOptions,
}: Options): Promise<Target> {
  if (url !== undefined) {
    const admin = reconcile && adminUrl !== undefined ? new AdminClient(adminUrl) : undefined
    return { url, admin, stop: async () => {} }
  }
  const reports = serviceOptions.includes('--reports') ? [] : ['--reports', String(REPORTS)]
  const service = new Service([...reports, ...serviceOptions])
  passOnComplaints(service)
  await service.listening()
  const admin = reconcile ? new AdminClient(service.adminUrl) : undefined
  if (!throughNghttpx) return { url: service.url, admin, stop: () => service.stop() }
  try {
    const proxy = await startProxy('nghttpx', 'nghttpx', service.port)
    return { url: `ws://127.0.0.1:${proxy.port}`, admin, stop: () => proxy.stop().then(() => service.stop()) }
  } catch (error) {
    await service.stop()
    throw error
  }
}

/** Shows what the service says outside its log, such as that an option is wrong. */
function passOnComplaints(service: Service): void {
  createInterface({ input: service.child.stderr as Readable }).on('line', line => {
    if (!line.startsWith('{')) console.error(line)
  })
}
