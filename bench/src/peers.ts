// The servers that are compared, each as the command that starts it.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CERTIFICATE } from './certificate.js'
import { BENCH, REPOSITORY } from './paths.js'

export const PEER_NAMES = ['echobahn', 'ws', 'ws-cluster', 'bun', 'uws'] as const
export type PeerName = (typeof PEER_NAMES)[number]
export type Scheme = 'ws' | 'wss'

/** @param workers ignored by the servers that are one process */
export function peerCommand(peer: PeerName, workers: number, scheme: Scheme = 'ws'): string[] {
  const { cert, key } = CERTIFICATE
  const files = scheme === 'wss' ? [cert, key] : []
  switch (peer) {
    case 'echobahn':
      return echobahnCommand(workers, ...(scheme === 'wss' ? ['--tls-cert', cert, '--tls-key', key] : []))
    case 'ws':
      return [process.execPath, peerFile('ws'), ...files]
    case 'ws-cluster':
      return [process.execPath, peerFile('ws-cluster'), String(workers), ...files]
    case 'bun':
      // The binary itself, whatever the platform, put there when the package was installed.
      return [join(BENCH, 'node_modules/bun/bin/bun.exe'), peerFile('bun'), ...files]
    case 'uws':
      return [process.execPath, peerFile('uws'), ...files]
  }
}

/** The built service with its defaults, metrics and reports among them, on ports of its own. */
export function echobahnCommand(workers: number, ...options: readonly string[]): string[] {
  const ports = ['--port', '0', '--admin-port', '0']
  return [process.execPath, join(REPOSITORY, 'dist/main.js'), ...ports, '--workers', String(workers), ...options]
}

/** A server that is node:http2 and little else. */
export function http2PeerCommand(): string[] {
  return [process.execPath, peerFile('http2')]
}

/** What was measured, for the record. */
export function peerVersions(): Record<string, string> {
  const require = createRequire(import.meta.url)
  const versionOf = (manifest: string): string => JSON.parse(readFileSync(manifest, 'utf8')).version
  return {
    echobahn: versionOf(join(REPOSITORY, 'package.json')),
    node: process.version,
    ws: versionOf(require.resolve('ws/package.json')),
    bufferutil: versionOf(require.resolve('bufferutil/package.json')),
    bun: versionOf(require.resolve('bun/package.json')),
    uws: versionOf(require.resolve('@trufflesuite/uws-js-unofficial/package.json')),
  }
}

function peerFile(name: string): string {
  return fileURLToPath(new URL(`../peers/${name}.js`, import.meta.url))
}
