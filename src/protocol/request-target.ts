// The target of a request and the authority of a host (RFC 9112 section 3.2, RFC 9110 sections 4.2 and 7.2).

export interface RequestTarget {
  /** As sent, percent-encoding included; it begins with `/`. */
  readonly path: string
  /** As sent, without the `?`; empty if there is none. */
  readonly query: string
}

/** uri-host [ ":" port ], never empty and without user information (RFC 9110 sections 4.2 and 7.2). */
const AUTHORITY = /^(?:\[[\w.~!$&'()*+,;=:-]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::\d*)?$/

/** What a uri-host may never be: it has no colon outside of brackets. A port may stand at the end. */
const BARE_IPV6 = /^[\dA-Fa-f]*:[\dA-Fa-f]*:[\dA-Fa-f:.]*$/

/** Scheme, authority, path and query of a target in absolute-form (RFC 9112 section 3.2.2). */
const ABSOLUTE_FORM = /^(?:https?|wss?):\/\/([^/?]*)([^?]*)\??(.*)$/i

/** Visible ASCII without a fragment. Browsers send some characters, such as `[`, that RFC 3986 would have escaped. */
const TARGET_CHARACTERS = /^[!"$-~]+$/

/** Path and query of a target in origin-form or absolute-form; undefined if it is neither. */
export function parseTarget(target: string): RequestTarget | undefined {
  if (!TARGET_CHARACTERS.test(target)) return undefined
  if (target.startsWith('/')) {
    const mark = target.indexOf('?')
    return mark < 0 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark + 1) }
  }
  const [, authority, path, query] = ABSOLUTE_FORM.exec(target) ?? []
  if (authority === undefined || !isAuthority(authority)) return undefined
  // An empty path is the root (RFC 9110 section 4.2.3).
  return { path: path === '' ? '/' : path, query }
}

/** Whether `text` is a host and optionally a port, as in the Host header. */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text)
}

/** Whether `text` is an IPv6 address, perhaps with a port, that lacks its brackets (RFC 3986 section 3.2.2). */
export function isBareIpv6(text: string): boolean {
  return BARE_IPV6.test(text)
}
