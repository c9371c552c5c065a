import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Handover } from '../../../src/messages.js'
import { ACKNOWLEDGEMENT_TIMEOUT, Distributor, OUT_OF_FILES_PAUSE } from '../../../src/primary/distributor.js'
import { MOST_IN_FLIGHT, type Recipient } from '../../../src/primary/lane.js'

interface FakeSocket {
  readonly name: string
  closed: boolean
  gone: boolean
}

class FakeWorker implements Recipient<FakeSocket> {
  readonly received: { message: Handover; socket: FakeSocket }[] = []
  readonly revoked: number[] = []

  handOver(message: Handover, socket: FakeSocket): void {
    this.received.push({ message, socket })
  }

  revoke(id: number): void {
    this.revoked.push(id)
  }

  get last(): Handover {
    return this.received[this.received.length - 1].message
  }

  get names(): string[] {
    return this.received.map(({ socket }) => socket.name)
  }
}

const unlimited = { maxConnections: 0, maxConnectionsPerIp: 0 }
let now = 0
let sockets: FakeSocket[] = []
/** What was told of workers: that they stopped speaking (false) or spoke again. */
let responsiveness: boolean[] = []
let undelivered = 0

beforeEach(() => {
  now = 1_000_000
  sockets = []
  responsiveness = []
  undelivered = 0
})

function distribute(distribution: 'least-connections' | 'round-robin', count: number, limits = unlimited) {
  const distributor = new Distributor<FakeSocket, FakeWorker>({
    distribution,
    limits,
    closeSocket: socket => {
      socket.closed = true
    },
    isGone: socket => socket.gone,
    onResponsive: (_, responsive) => responsiveness.push(responsive),
    onUndelivered: () => undelivered++,
    now: () => now,
  })
  const workers = Array.from({ length: count }, () => new FakeWorker())
  for (const worker of workers) distributor.join(worker)
  return { distributor, workers }
}

function accept(distributor: Distributor<FakeSocket, FakeWorker>, count = 1, address = '192.0.2.1'): void {
  for (let i = 0; i < count; i++) {
    const socket = { name: `s${sockets.length + 1}`, closed: false, gone: false }
    sockets.push(socket)
    distributor.accept(socket, address)
  }
}

/** Answers `taken` to every hand-over under way until none is left. */
function takeAll(distributor: Distributor<FakeSocket, FakeWorker>, workers: readonly FakeWorker[]): void {
  for (const worker of workers) {
    for (let i = 0; i < worker.received.length; i++) distributor.taken(worker, [worker.received[i].message.id])
  }
}

function loads(distributor: Distributor<FakeSocket, FakeWorker>, workers: readonly FakeWorker[]): number[] {
  return workers.map(worker => distributor.load(worker))
}

describe('least-connections', () => {
  it('spreads a burst exactly, before any hand-over is acknowledged', () => {
    const { distributor, workers } = distribute('least-connections', 4)
    accept(distributor, 1000)
    assert.deepEqual(loads(distributor, workers), [250, 250, 250, 250])
    takeAll(distributor, workers)
    assert.deepEqual(
      workers.map(worker => worker.received.length),
      [250, 250, 250, 250],
    )
    assert.ok(sockets.every(socket => socket.closed))
  })

  it('fills the workers whose connections ended', () => {
    const { distributor, workers } = distribute('least-connections', 4)
    accept(distributor, 1000)
    takeAll(distributor, workers)
    for (const worker of workers.slice(0, 2)) {
      distributor.ended(
        worker,
        worker.received.slice(0, 125).map(({ message }) => message.id),
      )
    }
    assert.deepEqual(loads(distributor, workers), [125, 125, 250, 250])
    accept(distributor, 250)
    assert.deepEqual(loads(distributor, workers), [250, 250, 250, 250])
  })

  it('lets equal loads take turns', () => {
    const { distributor, workers } = distribute('least-connections', 3)
    for (let i = 0; i < 6; i++) {
      accept(distributor)
      takeAll(distributor, workers)
      for (const worker of workers) distributor.ended(worker, [i + 1])
    }
    assert.deepEqual(
      workers.map(worker => worker.received.length),
      [2, 2, 2],
    )
  })
})

describe('round-robin', () => {
  it('goes round whatever the loads are', () => {
    const { distributor, workers } = distribute('round-robin', 3)
    accept(distributor, 3)
    takeAll(distributor, workers)
    distributor.ended(workers[0], [1])
    accept(distributor, 6)
    assert.deepEqual(loads(distributor, workers), [2, 3, 3])
  })

  it('skips a suspended worker and takes it in again once heard', () => {
    const { distributor, workers } = distribute('round-robin', 2)
    distributor.suspend(workers[0])
    accept(distributor, 2)
    assert.deepEqual(loads(distributor, workers), [0, 2])
    distributor.heard(workers[0])
    accept(distributor, 2)
    assert.deepEqual(loads(distributor, workers), [1, 3])
  })
})

describe('hand-over', () => {
  it('keeps our copy until the socket is taken', () => {
    const { distributor, workers } = distribute('round-robin', 1)
    accept(distributor, 3)
    assert.deepEqual(workers[0].names, ['s1', 's2', 's3'])
    distributor.taken(workers[0], [1])
    distributor.taken(workers[0], [2])
    assert.deepEqual(
      sockets.map(socket => socket.closed),
      [true, true, false],
    )
  })

  it('has so many under way to a worker at most, and sends the next when some are taken', () => {
    const { distributor, workers } = distribute('round-robin', 1)
    accept(distributor, MOST_IN_FLIGHT + 4)
    assert.equal(workers[0].received.length, MOST_IN_FLIGHT)
    for (const id of [1, 2, 3]) distributor.taken(workers[0], [id])
    assert.equal(workers[0].received.length, MOST_IN_FLIGHT + 3)
    assert.equal(workers[0].last.id, MOST_IN_FLIGHT + 3)
  })

  it('tells the worker when it will be given to another, in whole milliseconds', () => {
    const { distributor, workers } = distribute('round-robin', 1)
    now += 0.25
    accept(distributor)
    assert.equal(workers[0].last.deadline, now + 0.75 + ACKNOWLEDGEMENT_TIMEOUT)
  })

  it('has a new number each time', () => {
    const { distributor, workers } = distribute('round-robin', 1)
    accept(distributor)
    distributor.refused(workers[0], [1])
    assert.equal(workers[0].last.id, 2)
    // What was meant for the first attempt does not match the second one.
    distributor.refused(workers[0], [1])
    distributor.taken(workers[0], [1])
    assert.equal(workers[0].received.length, 2)
    assert.equal(sockets[0].closed, false)
    distributor.taken(workers[0], [2])
    assert.equal(sockets[0].closed, true)
  })

  it('gives a refused socket to another worker, even when the refusing one has less to do', () => {
    const { distributor, workers } = distribute('least-connections', 2)
    accept(distributor, 2)
    takeAll(distributor, workers)
    distributor.ended(workers[0], [1])
    accept(distributor)
    assert.deepEqual(workers[0].names, ['s1', 's3'])
    distributor.refused(workers[0], [3])
    assert.deepEqual(workers[1].names, ['s2', 's3'])
    assert.deepEqual(loads(distributor, workers), [0, 2])
    assert.equal(sockets[2].closed, false)
  })

  it('tries the refusing worker again when it is the only one', () => {
    const { distributor, workers } = distribute('round-robin', 1)
    accept(distributor)
    distributor.refused(workers[0], [1])
    assert.deepEqual(workers[0].names, ['s1', 's1'])
  })

  it('moves what a dead worker had not taken, and frees what it had', () => {
    const { distributor, workers } = distribute('round-robin', 2)
    accept(distributor, 6)
    distributor.taken(workers[0], [1])
    distributor.remove(workers[0])
    assert.deepEqual(loads(distributor, workers), [0, 5])
    takeAll(distributor, workers.slice(1))
    assert.deepEqual(workers[1].names, ['s2', 's4', 's6', 's3', 's5'])
  })

  it('moves what a dead worker was yet to be sent', () => {
    const { distributor, workers } = distribute('round-robin', 1)
    accept(distributor, MOST_IN_FLIGHT + 1)
    const heir = new FakeWorker()
    distributor.join(heir)
    distributor.remove(workers[0])
    takeAll(distributor, [heir])
    assert.deepEqual(
      heir.names,
      sockets.map(({ name }) => name),
    )
  })

  it('revokes at the deadline, moves the socket and suspends the worker until it is heard', () => {
    const { distributor, workers } = distribute('least-connections', 2)
    accept(distributor, 4)
    distributor.taken(workers[1], [2, 4])
    distributor.expire(now + ACKNOWLEDGEMENT_TIMEOUT - 1)
    assert.deepEqual(workers[0].revoked, [])

    now += ACKNOWLEDGEMENT_TIMEOUT
    distributor.expire(now)
    assert.deepEqual(workers[0].revoked, [1, 3])
    assert.equal(distributor.isResponsive(workers[0]), false)
    takeAll(distributor, workers.slice(1))
    assert.deepEqual(workers[1].names, ['s2', 's4', 's1', 's3'])
    accept(distributor)
    assert.deepEqual(loads(distributor, workers), [0, 5])

    distributor.heard(workers[0])
    distributor.heard(workers[0])
    assert.deepEqual(responsiveness, [false, true])
    accept(distributor)
    assert.deepEqual(loads(distributor, workers), [1, 5])
  })

  it('leaves with a suspended worker what it may still take in time', () => {
    const { distributor, workers } = distribute('round-robin', 1)
    accept(distributor)
    now += ACKNOWLEDGEMENT_TIMEOUT - 10
    accept(distributor, MOST_IN_FLIGHT)
    const idle = new FakeWorker()
    distributor.join(idle)
    now += 10
    distributor.expire(now)
    assert.deepEqual(workers[0].revoked, [1])
    // The first, which is late, and the last, which was still here.
    assert.deepEqual(idle.names, [`s${MOST_IN_FLIGHT + 1}`, 's1'])
    distributor.taken(workers[0], [2])
    assert.equal(sockets[1].closed, true)
    now += ACKNOWLEDGEMENT_TIMEOUT - 10
    distributor.expire(now)
    assert.equal(workers[0].revoked.length, MOST_IN_FLIGHT - 1)
  })

  it('gives a worker without file descriptors a pause', () => {
    const { distributor, workers } = distribute('least-connections', 2)
    accept(distributor)
    distributor.undelivered(workers[0], [1, 99])
    assert.equal(undelivered, 1)
    accept(distributor)
    assert.deepEqual(workers[1].names, ['s1', 's2'])
    now += OUT_OF_FILES_PAUSE - 1
    distributor.expire(now)
    distributor.taken(workers[1], [2, 3])
    accept(distributor)
    assert.deepEqual(workers[1].names, ['s1', 's2', 's3'])
    now += 1
    distributor.expire(now)
    accept(distributor)
    assert.deepEqual(workers[0].names, ['s1', 's4'])
  })

  it('lets sockets wait while all workers are without file descriptors', () => {
    const { distributor, workers } = distribute('least-connections', 1)
    accept(distributor)
    distributor.undelivered(workers[0], [1])
    accept(distributor)
    distributor.heard(workers[0])
    assert.deepEqual(workers[0].names, ['s1'])
    now += OUT_OF_FILES_PAUSE
    distributor.expire(now)
    assert.deepEqual(workers[0].names, ['s1', 's1', 's2'])
  })

  it('drops what did not get there because it was gone before', () => {
    const { distributor, workers } = distribute('least-connections', 1, { maxConnections: 1, maxConnectionsPerIp: 0 })
    accept(distributor)
    sockets[0].gone = true
    distributor.undelivered(workers[0], [1])
    assert.equal(sockets[0].closed, true)
    accept(distributor)
    assert.deepEqual(workers[0].names, ['s1', 's2'])
    assert.equal(workers[0].last.admission, 0)
  })

  it('ignores what a worker says of a connection that was revoked', () => {
    const { distributor, workers } = distribute('least-connections', 2)
    accept(distributor)
    now += ACKNOWLEDGEMENT_TIMEOUT
    distributor.expire(now)
    distributor.heard(workers[0])
    distributor.taken(workers[0], [1])
    distributor.ended(workers[0], [1])
    assert.equal(sockets[0].closed, false)
    assert.deepEqual(loads(distributor, workers), [0, 1])
  })

  it('does not give a retired worker anything, but lets it take what was on its way', () => {
    const { distributor, workers } = distribute('round-robin', 2)
    accept(distributor, 2 * MOST_IN_FLIGHT + 2)
    distributor.retire(workers[0])
    distributor.taken(workers[0], [1])
    assert.equal(workers[0].received.length, MOST_IN_FLIGHT)
    assert.deepEqual(loads(distributor, workers), [MOST_IN_FLIGHT, MOST_IN_FLIGHT + 2])
    now += ACKNOWLEDGEMENT_TIMEOUT
    distributor.expire(now)
    distributor.heard(workers[0])
    distributor.heard(workers[1])
    accept(distributor, 2)
    assert.deepEqual(loads(distributor, workers), [1, 2 * MOST_IN_FLIGHT + 3])
  })

  it('lets sockets wait while there is no worker', () => {
    const { distributor } = distribute('least-connections', 0)
    accept(distributor, 2)
    const worker = new FakeWorker()
    distributor.join(worker)
    takeAll(distributor, [worker])
    assert.deepEqual(worker.names, ['s1', 's2'])
  })

  it('closes all that no worker has got when it is closed itself', () => {
    const { distributor, workers } = distribute('round-robin', 1)
    accept(distributor, MOST_IN_FLIGHT + 2)
    distributor.close()
    accept(distributor)
    const closed = sockets.filter(socket => socket.closed).map(({ name }) => name)
    assert.deepEqual(
      closed,
      [1, 2, 3].map(i => `s${MOST_IN_FLIGHT + i}`),
    )
    distributor.refused(workers[0], [1])
    assert.equal(sockets[0].closed, true)
  })
})

describe('the books', () => {
  it('know how many sockets are held until they are taken, or closed', () => {
    const { distributor, workers } = distribute('round-robin', 1)
    accept(distributor, MOST_IN_FLIGHT + 3)
    assert.equal(distributor.held, MOST_IN_FLIGHT + 3)
    distributor.taken(workers[0], [1, 2])
    assert.equal(distributor.held, MOST_IN_FLIGHT + 1)
    distributor.remove(workers[0])
    assert.equal(distributor.held, MOST_IN_FLIGHT + 1)
    distributor.close()
    assert.equal(distributor.held, 0)
  })

  it('balance: what was opened is open, closed or lost', () => {
    const { distributor, workers } = distribute('round-robin', 2)
    accept(distributor, 7)
    assert.equal(distributor.openedTotal, 0)
    takeAll(distributor, workers)
    distributor.ended(workers[0], [1, 99])
    distributor.ended(workers[1], [1, 2])
    assert.equal(distributor.openedTotal, 7)
    assert.deepEqual(distributor.endedTotal, { closed: 2, lost: 0 })
    accept(distributor)
    assert.equal(distributor.remove(workers[0]), 3)
    assert.equal(distributor.remove(workers[0]), 0)
    assert.deepEqual(distributor.endedTotal, { closed: 2, lost: 3 })
    assert.deepEqual([distributor.open(workers[0]), distributor.open(workers[1])], [0, 2])
  })
})

describe('limits', () => {
  const limits = { maxConnections: 2, maxConnectionsPerIp: 0 }

  it('hands refused connections over with their status and does not count them', () => {
    const { distributor, workers } = distribute('round-robin', 1, limits)
    accept(distributor, 4)
    takeAll(distributor, workers)
    const statuses = workers[0].received.map(({ message }) => message.admission)
    assert.deepEqual(statuses, [0, 0, 503, 503])
    distributor.ended(workers[0], [3, 4])
    accept(distributor)
    assert.equal(workers[0].last.admission, 503)
  })

  it('frees the count when a connection ended, once', () => {
    const { distributor, workers } = distribute('round-robin', 1, limits)
    accept(distributor, 2)
    takeAll(distributor, workers)
    distributor.ended(workers[0], [1])
    distributor.ended(workers[0], [1])
    accept(distributor, 2)
    takeAll(distributor, workers)
    const statuses = workers[0].received.map(({ message }) => message.admission)
    assert.deepEqual(statuses, [0, 0, 0, 503])
  })

  it('frees the counts of a dead worker, but not of what moves on', () => {
    const { distributor, workers } = distribute('round-robin', 2, limits)
    accept(distributor, 2)
    distributor.taken(workers[0], [1])
    distributor.remove(workers[1])
    assert.equal(distributor.load(workers[0]), 2)
    distributor.ended(workers[0], [1])
    distributor.taken(workers[0], [2])
    accept(distributor, 2)
    takeAll(distributor, workers)
    assert.deepEqual(
      workers[0].received.map(({ message }) => message.admission),
      [0, 0, 0, 503],
    )
  })

  it('closes a connection that is to be refused when no worker can do it', () => {
    const { distributor } = distribute('round-robin', 0, limits)
    accept(distributor, 3)
    assert.deepEqual(
      sockets.map(socket => socket.closed),
      [false, false, true],
    )
  })
})

describe('streams of a session', () => {
  it('are connections of the worker that has it, numbered among all others', () => {
    const { distributor, workers } = distribute('round-robin', 2)
    accept(distributor, 2)
    takeAll(distributor, workers)
    assert.deepEqual(distributor.openStream(workers[0], 1), { id: 3, admission: 0 })
    accept(distributor)
    assert.deepEqual([workers[0].last.id, distributor.load(workers[0]), distributor.openedTotal], [4, 3, 3])
    distributor.ended(workers[0], [3])
    distributor.remove(workers[0])
    assert.deepEqual([distributor.openedTotal, distributor.endedTotal], [3, { closed: 1, lost: 1 }])
  })

  it('count under both limits, by the address of their session', () => {
    const { distributor, workers } = distribute('round-robin', 1, { maxConnections: 4, maxConnectionsPerIp: 2 })
    accept(distributor)
    accept(distributor, 1, '192.0.2.2')
    takeAll(distributor, workers)
    const [recipient] = workers
    const admissions = [1, 1, 2, 2].map(session => distributor.openStream(recipient, session).admission)
    assert.deepEqual(admissions, [0, 429, 0, 503])
    // Those that were refused are connections, and hold no place.
    assert.equal(distributor.load(recipient), 6)
    distributor.ended(recipient, [3, 4])
    assert.equal(distributor.openStream(recipient, 1).admission, 0)
  })

  it('are none without their session, and are not admitted once all is closed', () => {
    const { distributor, workers } = distribute('round-robin', 1)
    accept(distributor)
    takeAll(distributor, workers)
    assert.deepEqual(distributor.openStream(workers[0], 7), { id: 0, admission: 503 })
    assert.deepEqual(distributor.openStream(new FakeWorker(), 1), { id: 0, admission: 503 })
    assert.equal(distributor.openedTotal, 1)
    distributor.close()
    assert.equal(distributor.openStream(workers[0], 1).admission, 503)
  })
})

describe('clients of trusted proxies', () => {
  const limits = { maxConnections: 4, maxConnectionsPerIp: 1 }

  /** Accepts a connection whose address its worker will know, and has it taken. Returns its number. */
  function acceptProxied(distributor: Distributor<FakeSocket, FakeWorker>, worker: FakeWorker): number {
    distributor.accept({ name: 'proxied', closed: false, gone: false }, undefined)
    const { id, admission } = worker.last
    assert.equal(admission, 0)
    distributor.taken(worker, [id])
    return id
  }

  it('are counted by their address once it is known, whichever worker has them', () => {
    const { distributor, workers } = distribute('round-robin', 2, limits)
    const [first, second, third] = [0, 1, 0].map(i => acceptProxied(distributor, workers[i]))
    assert.equal(distributor.admitClient(workers[0], first, 'a'), 0)
    assert.equal(distributor.admitClient(workers[1], second, 'a'), 429)
    assert.equal(distributor.admitClient(workers[0], third, 'b'), 0)
    distributor.ended(workers[0], [first])
    assert.equal(distributor.admitClient(workers[1], acceptProxied(distributor, workers[1]), 'a'), 0)
  })

  it('count no more in max-connections once they are refused, as those that are refused at once', () => {
    const { distributor, workers } = distribute('round-robin', 1, limits)
    const ids = [1, 2, 3, 4].map(() => acceptProxied(distributor, workers[0]))
    assert.deepEqual(
      ids.map(id => distributor.admitClient(workers[0], id, 'a')),
      [0, 429, 429, 429],
    )
    const others = [1, 2, 3].map(() => acceptProxied(distributor, workers[0]))
    accept(distributor)
    assert.equal(workers[0].last.admission, 503)
    distributor.ended(workers[0], [...ids, ...others])
    assert.deepEqual([distributor.openedTotal, distributor.endedTotal.closed], [7, 7])
    for (let i = 0; i < 4; i++) acceptProxied(distributor, workers[0])
    accept(distributor)
    assert.equal(workers[0].last.admission, 503)
  })

  it('are let go of with a worker that dies, whether their address was known or not', () => {
    const { distributor, workers } = distribute('round-robin', 2, limits)
    const [known, , refused] = [0, 1, 0].map(i => acceptProxied(distributor, workers[i]))
    distributor.admitClient(workers[0], known, 'a')
    distributor.admitClient(workers[0], refused, 'a')
    assert.equal(distributor.remove(workers[0]), 2)
    assert.deepEqual([distributor.openedTotal, distributor.endedTotal.lost, distributor.open(workers[1])], [3, 2, 1])
    assert.equal(distributor.admitClient(workers[0], known, 'b'), 503)
    const ids = [1, 2, 3].map(() => acceptProxied(distributor, workers[1]))
    assert.deepEqual(
      ids.map(id => distributor.admitClient(workers[1], id, 'a')),
      [0, 429, 429],
    )
  })

  it('are counted once, and not at all where they are unknown or have their address already', () => {
    const { distributor, workers } = distribute('round-robin', 1, limits)
    accept(distributor, 1, 'a')
    takeAll(distributor, workers)
    const { id } = workers[0].last
    assert.deepEqual(
      [distributor.admitClient(workers[0], id, 'b'), distributor.admitClient(workers[0], id, 'b')],
      [0, 0],
    )
    assert.equal(distributor.admitClient(workers[0], 999, 'b'), 503)
    assert.equal(distributor.admitClient(workers[0], acceptProxied(distributor, workers[0]), 'b'), 0)
  })

  it('go to another worker as they came', () => {
    const { distributor, workers } = distribute('round-robin', 2, limits)
    distributor.accept({ name: 'proxied', closed: false, gone: false }, undefined)
    distributor.remove(workers[0])
    const { id } = workers[1].last
    distributor.taken(workers[1], [id])
    assert.equal(distributor.admitClient(workers[1], id, 'a'), 0)
  })
})
