/** The issuers this proxy may ask for documents: the configured ones and nothing else. */

/** How an issuer may be reached. Everything is refused unless its entry says otherwise. */
export type IssuerPolicy = {
  /** PEM certificates trusted for this issuer in addition to the system's roots. */
  readonly caCertificate?: string
  /** Permits private, loopback and other special addresses. */
  readonly allowPrivateNetwork: boolean
  /** Permits plain http, and then only to the issuer's own host and port. */
  readonly allowHttp: boolean
  /**
   * Connects here when the issuer's own host is asked, as where the name in its URL leads elsewhere from inside a
   * network. URL, port, Host header and the name in the certificate stay those of the URL.
   */
  readonly connectTo?: string
  /** Sends the service account token of this pod to the issuer's own host, as the issuer of a Kubernetes cluster wants it. */
  readonly serviceAccountToken?: boolean
}

/** One line of the issuer list: a URL, or a pattern with `*` for a family of issuers. */
export type IssuerEntry = IssuerPolicy & { readonly url: string }

/** An issuer URL that was asked for, and the entry that permits it. */
export type Issuer = { readonly url: string; readonly entry: IssuerEntry }

export const maxIssuerUrlLength = 2048

/**
 * Is `url` usable as an issuer? OpenID Connect Discovery section 3: no query, no fragment. Credentials in
 * the URL are refused too.
 */
export function isIssuerUrl(url: string, { allowHttp }: Pick<IssuerPolicy, 'allowHttp'>): boolean {
  if (url.length > maxIssuerUrlLength || /[?#\s\\]/.test(url)) return false
  const parsed = URL.parse(url)
  if (parsed === null || parsed.hostname === '' || parsed.username !== '' || parsed.password !== '')
    return false
  return parsed.protocol === 'https:' || (allowHttp && parsed.protocol === 'http:')
}

export function isPattern(url: string): boolean {
  return url.includes('*')
}
