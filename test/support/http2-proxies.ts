// Real proxies that take HTTP/1.1 and speak HTTP/2 to a service: nghttpx, HAProxy, Envoy and Caddy, each a process with a
// configuration of its own, on a free port.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.js'

export interface Proxy {
  readonly port: number
  stop(): Promise<void>
}

interface Way {
  /** Text of the configuration file. */
  readonly configuration: string
  readonly args: (file: string) => readonly string[]
}

const WAYS: Readonly<Record<string, (listen: number, service: number) => Way>> = {
  nghttpx: (listen, service) => ({
    configuration: `frontend=127.0.0.1,${listen};no-tls\nbackend=127.0.0.1,${service};;proto=h2\nworkers=1\n`,
    args: file => [`--conf=${file}`],
  }),
  haproxy: (listen, service) => ({
    configuration: `defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend f
  bind 127.0.0.1:${listen}
  default_backend b
backend b
  server s 127.0.0.1:${service} proto h2
`,
    args: file => ['-db', '-f', file],
  }),
  envoy: (listen, service) => ({
    configuration: JSON.stringify(envoyConfiguration(listen, service)),
    args: file => ['-c', file, '--log-level', 'off', '--use-dynamic-base-id', '--concurrency', '1'],
  }),
  caddy: (listen, service) => ({
    configuration: `{
  admin off
  auto_https off
  persist_config off
}
http://127.0.0.1:${listen} {
  reverse_proxy 127.0.0.1:${service} {
    transport http {
      versions h2c
    }
  }
}
`,
    args: file => ['run', '--adapter', 'caddyfile', '--config', file],
  }),
}

export type ProxyName = 'nghttpx' | 'haproxy' | 'envoy' | 'caddy'

/**
 * Starts a proxy in front of the service on this port of 127.0.0.1, and waits until it takes connections.
 *
 * @throws Error when it cannot be started
 */
export async function startProxy(name: ProxyName, program: string, service: number): Promise<Proxy> {
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'echobahn-proxy-'))
  const file = join(directory, name === 'envoy' ? 'configuration.json' : 'configuration')
  const { configuration, args } = WAYS[name](port, service)
  writeFileSync(file, configuration)
  const child = spawn(program, args(file), { stdio: 'ignore', env: { ...process.env, HOME: directory } })
  const exited = new Promise<void>(resolve => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await listening(port, child)
  } catch (error) {
    await stop()
    throw error
  }
  return { port, stop }
}

/** @throws Error when the process has ended before it listens */
async function listening(port: number, child: ChildProcess): Promise<void> {
  let failure: Error | undefined
  child.once('error', error => {
    failure = error
  })
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (connected) return
    if (failure !== undefined) throw failure
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} exited with ${child.exitCode} at its start`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

function envoyConfiguration(listen: number, service: number): object {
  const addressOf = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } })
  const http = 'type.googleapis.com/envoy.extensions'
  const manager = {
    '@type': `${http}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'in',
    codec_type: 'HTTP1',
    upgrade_configs: [{ upgrade_type: 'websocket' }],
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'echo', timeout: '0s' } }],
        },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${http}.filters.http.router.v3.Router` } },
    ],
  }
  const options = {
    '@type': `${http}.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: { allow_connect: true } },
  }
  return {
    static_resources: {
      listeners: [
        {
          address: addressOf(listen),
          filter_chains: [
            { filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] },
          ],
        },
      ],
      clusters: [
        {
          name: 'echo',
          type: 'STATIC',
          typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options },
          load_assignment: {
            cluster_name: 'echo',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: addressOf(service) } }] }],
          },
        },
      ],
    },
  }
}
