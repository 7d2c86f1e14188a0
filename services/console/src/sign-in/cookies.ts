/** Cookies as RFC 6265 has them, of this site alone: no script reads them, and no form of another site sends them. */

export type Cookie = {
  /** For the header `set-cookie`. */
  set(value: string, maxAgeSeconds: number): string
  clear(): string
  /** In the header `cookie`. */
  in(header: string | undefined): string | undefined
}

/** `isSecure`: sent over TLS alone, and set by no neighbour in the domain (`__Host-`). */
export function createCookie(name: string, isSecure: boolean): Cookie {
  const own = isSecure ? `__Host-${name}` : name
  // A person who comes back from the issuer, or from a link in a mail, comes from another site.
  const set = (value: string, maxAgeSeconds: number) =>
    `${own}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  return {
    set,
    clear: () => set('', 0),
    in: (header = '') =>
      header
        .split(';')
        .map((pair) => pair.trim())
        .find((pair) => pair.startsWith(`${own}=`))
        ?.slice(own.length + 1),
  }
}
