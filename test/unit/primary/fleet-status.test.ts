// The living workers and their states, as admin server and metrics see them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monotonicNow } from '../../../src/messages.js'
import type { Accepted } from '../../../src/primary/accepted.js'
import type { Distributor } from '../../../src/primary/distributor.js'
import type { Fleet } from '../../../src/primary/fleet.js'
import { FleetStatus } from '../../../src/primary/fleet-status.js'
import type { Shortages } from '../../../src/primary/shortage.js'
import type { WorkerProcess } from '../../../src/primary/worker-process.js'

interface Member {
  readonly number: number
  readonly state: string
  readonly forkedAt: number
  readonly pid?: number
  readonly isStuck?: boolean
}

function statusOf(...members: Member[]): FleetStatus {
  const fleet = { members: new Set(members), restarts: { exit: 1, signal: 2, start_failed: 3, reload: 4 } }
  const distributor = {
    isResponsive: (member: Member) => member.isStuck !== true,
    load: ({ number }: Member) => number * 10,
    open: ({ number }: Member) => number,
    openedTotal: 99,
    endedTotal: { closed: 50, lost: 7 },
  }
  return new FleetStatus(
    fleet as unknown as Fleet,
    distributor as unknown as Distributor<Accepted, WorkerProcess>,
    { counts: { turned_away: 1, accept_failed: 2, undelivered: 3 } } as unknown as Shortages,
  )
}

test('workers stand by number, the older one of a number first, each with state, age and connections', () => {
  const now = monotonicNow()
  const status = statusOf(
    { number: 2, state: 'ready', forkedAt: now - 5000, pid: 12, isStuck: true },
    { number: 1, state: 'starting', forkedAt: now - 1000, pid: 13, isStuck: true },
    { number: 1, state: 'leaving', forkedAt: now - 60_000, pid: 11 },
  )
  const workers = status.workers()
  assert.deepEqual(
    workers.map(({ worker, pid, state, connections }) => [worker, pid, state, connections]),
    [
      [1, 11, 'leaving', 10],
      [1, 13, 'starting', 10],
      [2, 12, 'unresponsive', 20],
    ],
  )
  // From the first to the second instant nothing but the ages grows, and both by the same.
  assert.equal(Math.round(workers[0].ageSeconds - workers[1].ageSeconds), 59)
  assert.equal(Math.round(workers[2].ageSeconds - workers[1].ageSeconds), 4)
  assert.deepEqual(status.workersByState(), { starting: 1, ready: 0, unresponsive: 1, leaving: 1 })
  assert.deepEqual(
    status.started().map(({ pid }) => pid),
    [12, 11],
  )
  assert.deepEqual(
    status.openByWorker(),
    new Map([
      [2, 2],
      [1, 2],
    ]),
  )
  assert.equal(status.serving, false)
})

test('it serves with one worker that is ready and answers', () => {
  const forkedAt = monotonicNow()
  assert.equal(statusOf({ number: 1, state: 'ready', forkedAt }).serving, true)
  assert.equal(statusOf({ number: 1, state: 'starting', forkedAt }).serving, false)
  assert.equal(statusOf().serving, false)
})

test('what others count is passed on', () => {
  const status = statusOf()
  assert.deepEqual([status.opened, status.ended], [99, { closed: 50, lost: 7 }])
  assert.deepEqual(status.restartsByReason(), { exit: 1, signal: 2, start_failed: 3, reload: 4 })
  assert.deepEqual(status.shortages, { turned_away: 1, accept_failed: 2, undelivered: 3 })
})
