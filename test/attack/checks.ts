// Attacks that need no clock to be judged: something must be so afterwards, however long it took.

import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { RawClient } from '../support/raw-client.js'
import type { Service } from '../support/service.js'

export interface Check {
  readonly name: string
  /** One line. */
  readonly does: string
  /** Resolves with what was seen. The service has two workers. */
  readonly run: (service: Service) => Promise<Seen>
}

export interface Seen {
  readonly told: string
  readonly passed: boolean
}

/** Milliseconds: longer than a worker is waited for, so that its connections are given to another. */
const STALL = 1500
const CLIENTS = 12

export const CHECKS: readonly Check[] = [
  {
    name: 'served twice',
    does: `${CLIENTS} clients come while all workers stand still for ${STALL / 1000} s: each is answered by one of them only`,
    run: servedTwice,
  },
  {
    name: 'a killed worker',
    does: `of ${CLIENTS} connections a worker dies with some: those opened are those that ended and those that are open`,
    run: killedWorker,
  },
  {
    name: 'rebinding',
    does: 'a page asks under a name of its own, and another one sends a reload',
    run: rebinding,
  },
]

async function servedTwice(service: Service): Promise<Seen> {
  const pids = (await service.workers()).map(({ pid }) => pid)
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  const opening = Array.from({ length: CLIENTS }, () => RawClient.open(service.port))
  await delay(STALL)
  for (const pid of pids) process.kill(pid, 'SIGCONT')
  const clients = await Promise.all(opening)
  const echoes = clients.map(async client => {
    client.send({ opcode: 1, payload: 'once' }, { opcode: 8 })
    const frames = await client.readFramesToEnd()
    client.destroy()
    return frames.length === 2 && frames[0].payload.toString() === 'once'
  })
  const good = (await Promise.all(echoes)).filter(Boolean).length
  return { told: `${good} of ${CLIENTS} got one answer and their echo`, passed: good === CLIENTS }
}

async function killedWorker(service: Service): Promise<Seen> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.open(service.port)))
  const [{ pid }] = await service.workers()
  process.kill(pid, 'SIGKILL')
  const workers = await service.until(
    () => service.workers(),
    all => all.length === 2 && all.every(worker => worker.pid !== pid && worker.state === 'ready'),
  )
  const metrics = await service.metrics()
  const value = (series: string): number => metrics.get(series) ?? Number.NaN
  const opened = value('echobahn_connections_total')
  const closed = value('echobahn_connections_ended_total{cause="closed"}')
  const lost = value('echobahn_connections_ended_total{cause="lost"}')
  const open = workers.reduce((sum, { connections }) => sum + connections, 0)
  for (const client of clients) client.destroy()
  const told = `opened ${opened} = ended ${closed} + lost ${lost} + open ${open}`
  return { told, passed: opened === CLIENTS && lost > 0 && opened === closed + lost + open }
}

async function rebinding(service: Service): Promise<Seen> {
  const status = async (method: string, path: string, headers: Record<string, string>): Promise<number> => {
    const asked = request({ host: '127.0.0.1', port: service.adminPort, method, path, headers, agent: false }).end()
    const [response] = await once(asked, 'response')
    response.resume()
    return response.statusCode
  }
  const statuses = [
    await status('GET', '/connections', { host: 'evil.example' }),
    await status('POST', '/reload', { origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' }),
    await status('POST', '/reload', { origin: `http://localhost:${service.adminPort}` }),
  ]
  return { told: `answered ${statuses.join(', ')}`, passed: statuses.every(each => each === 403) }
}
