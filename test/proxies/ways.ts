// The ways of putting a proxy in front of the service: each is one of the files in configurations, which docs/proxies.md
// prints. Its first comment has the options of the service, its second the command that runs the proxy.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AddressSource } from '../../src/proxied.js'
import { ROOT } from '../support/root.js'

export interface Way {
  readonly name: string
  /** In the folder configurations. */
  readonly file: string
  /** What the proxy says of the client. */
  readonly says: string
  readonly source: AddressSource
  /** What it speaks to the service; HTTP/1.1 or plain TCP where nothing is said. */
  readonly to?: 'TLS' | 'HTTP/2'
  /** It speaks TLS to clients. */
  readonly secure?: true
  /** Arguments that prints the version. */
  readonly version: readonly string[]
}

const NGINX = ['-v']
const HAPROXY = ['-v']
const ENVOY = ['--version']
const TRAEFIK = ['version']

export const WAYS: readonly Way[] = [
  { name: 'nginx, http', file: 'nginx-http.conf', says: 'X-Forwarded-For', source: 'x-forwarded-for', version: NGINX },
  {
    ...{ name: 'nginx, to TLS', file: 'nginx-tls.conf', to: 'TLS' },
    ...{ says: 'X-Forwarded-For', source: 'x-forwarded-for', version: NGINX },
  },
  { name: 'nginx, stream', file: 'nginx-stream.conf', says: 'PROXY v1', source: 'proxy-protocol', version: NGINX },
  { name: 'HAProxy, http', file: 'haproxy-http.cfg', says: 'Forwarded', source: 'forwarded', version: HAPROXY },
  {
    ...{ name: 'HAProxy, to TLS', file: 'haproxy-tls.cfg', to: 'TLS' },
    ...{ says: 'Forwarded', source: 'forwarded', version: HAPROXY },
  },
  {
    ...{ name: 'HAProxy, to HTTP/2', file: 'haproxy-h2.cfg', to: 'HTTP/2' },
    ...{ says: 'Forwarded', source: 'forwarded', version: HAPROXY },
  },
  { name: 'HAProxy, tcp', file: 'haproxy-tcp.cfg', says: 'PROXY v2', source: 'proxy-protocol', version: HAPROXY },
  { name: 'Caddy', file: 'Caddyfile', says: 'X-Forwarded-For', source: 'x-forwarded-for', version: ['version'] },
  {
    ...{ name: 'Caddy, to TLS', file: 'Caddyfile-tls', to: 'TLS' },
    ...{ says: 'X-Forwarded-For', source: 'x-forwarded-for', version: ['version'] },
  },
  { name: 'Envoy, http', file: 'envoy-http.yaml', says: 'X-Forwarded-For', source: 'x-forwarded-for', version: ENVOY },
  {
    ...{ name: 'Envoy, to TLS', file: 'envoy-tls.yaml', to: 'TLS' },
    ...{ says: 'X-Forwarded-For', source: 'x-forwarded-for', version: ENVOY },
  },
  {
    ...{ name: 'Envoy, to HTTP/2', file: 'envoy-h2.yaml', to: 'HTTP/2' },
    ...{ says: 'X-Forwarded-For', source: 'x-forwarded-for', version: ENVOY },
  },
  { name: 'Envoy, tcp', file: 'envoy-tcp.yaml', says: 'PROXY v2', source: 'proxy-protocol', version: ENVOY },
  {
    name: 'Traefik, http',
    file: 'traefik-http.yml',
    says: 'X-Forwarded-For',
    source: 'x-forwarded-for',
    version: TRAEFIK,
  },
  { name: 'Traefik, tcp', file: 'traefik-tcp.yml', says: 'PROXY v2', source: 'proxy-protocol', version: TRAEFIK },
  {
    ...{ name: 'nghttpx, to HTTP/2', file: 'nghttpx.conf', to: 'HTTP/2' },
    ...{ says: 'Forwarded', source: 'forwarded', version: ['--version'] },
  },
  {
    name: 'stunnel',
    file: 'stunnel.conf',
    says: 'PROXY v1',
    source: 'proxy-protocol',
    secure: true,
    version: ['-version'],
  },
]

export interface Configuration {
  /** Of the file: some proxies go by how it ends. */
  readonly name: string
  readonly text: string
  /** Options of the service. */
  readonly options: readonly string[]
  /** Program and arguments, the file's name being FILE. */
  readonly command: readonly string[]
}

export function configurationOf({ file }: Way): Configuration {
  const text = readFileSync(join(ROOT, 'test', 'proxies', 'configurations', file), 'utf8')
  const [first, second] = text.split('\n').map(line => line.replace(/^[#;] /, '').split(' '))
  if (first[0] !== 'echobahn') throw new Error(`${file} does not begin with the options of the service`)
  return { name: file, text, options: first.slice(1), command: second }
}

const LANGUAGES: Readonly<Record<string, string>> = { conf: 'nginx', cfg: 'haproxy', yaml: 'yaml', yml: 'yaml' }

/** The file as docs/proxies.md prints it. */
export function printedConfiguration(way: Way): string {
  const language = way.file === 'stunnel.conf' ? 'ini' : (LANGUAGES[way.file.split('.')[1]] ?? '')
  return `\`\`\`${language}\n${configurationOf(way).text.trimEnd()}\n\`\`\``
}

/** By the names of their markers in docs/proxies.md. */
export const CONFIGURATION_BLOCKS: Readonly<Record<string, () => string>> = Object.fromEntries(
  WAYS.map(way => [way.file, () => printedConfiguration(way)]),
)
