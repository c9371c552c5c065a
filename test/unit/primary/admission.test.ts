import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AdmissionControl } from '../../../src/primary/admission.js'

describe('AdmissionControl', () => {
  it('admits without end when there are no limits', () => {
    const control = new AdmissionControl({ maxConnections: 0, maxConnectionsPerIp: 0 })
    assert.equal(control.needsAddress, false)
    for (let i = 0; i < 1000; i++) assert.equal(control.admit(''), 0)
  })

  it('answers 503 at max-connections until one is released', () => {
    const control = new AdmissionControl({ maxConnections: 2, maxConnectionsPerIp: 0 })
    assert.deepEqual([control.admit('a'), control.admit('b'), control.admit('c')], [0, 0, 503])
    control.release('a')
    assert.deepEqual([control.admit('c'), control.admit('c')], [0, 503])
  })

  it('answers 429 to one address at max-connections-per-ip, and admits others', () => {
    const control = new AdmissionControl({ maxConnections: 0, maxConnectionsPerIp: 1 })
    assert.equal(control.needsAddress, true)
    assert.deepEqual([control.admit('192.0.2.1'), control.admit('192.0.2.1'), control.admit('192.0.2.2')], [0, 429, 0])
    control.release('192.0.2.1')
    assert.equal(control.admit('192.0.2.1'), 0)
  })

  it('does not count a connection that the address limit refused', () => {
    const control = new AdmissionControl({ maxConnections: 2, maxConnectionsPerIp: 1 })
    assert.deepEqual([control.admit('a'), control.admit('a'), control.admit('b'), control.admit('c')], [0, 429, 0, 503])
  })

  it('counts IPv4 and IPv4-mapped IPv6 as one address', () => {
    const control = new AdmissionControl({ maxConnections: 0, maxConnectionsPerIp: 1 })
    assert.deepEqual([control.admit('::ffff:192.0.2.1'), control.admit('192.0.2.1')], [0, 429])
    control.release('192.0.2.1')
    assert.deepEqual([control.admit('::FFFF:192.0.2.1'), control.admit('::ffff:c000:201')], [0, 0])
  })
})

describe('addresses that are known later', () => {
  it('counts one in max-connections at once, and by its address once that is known', () => {
    const control = new AdmissionControl({ maxConnections: 3, maxConnectionsPerIp: 1 })
    assert.deepEqual([control.admit(undefined), control.admit(undefined), control.admit('a')], [0, 0, 0])
    assert.equal(control.admit(undefined), 503)
    assert.deepEqual([control.admitAddress('b'), control.admitAddress('a')], [0, 429])
    control.release('b')
    control.release(undefined)
    assert.deepEqual([control.admit('b'), control.admit('c'), control.admit('d')], [0, 0, 503])
  })

  it('admits every address without a limit by address', () => {
    const control = new AdmissionControl({ maxConnections: 1, maxConnectionsPerIp: 0 })
    assert.deepEqual([control.admit(undefined), control.admitAddress('a'), control.admitAddress('a')], [0, 0, 0])
    control.release('a')
    assert.equal(control.admit(undefined), 0)
  })
})
