/** Connections are kept by this object, so it is made once and handed on. */
export type TlsSettings = {
  /** PEM, in place of the roots that Node comes with. */
  readonly ca?: string
  /** PEM, what we show of ourselves. */
  readonly cert?: string
  readonly key?: string
  /** Whom the certificate must name, in place of the host of the URL. */
  readonly serverName?: string
  /** Any certificate is taken. */
  readonly isUnchecked?: boolean
}

export const usualTls: TlsSettings = {}

/** As Node's TLS takes them. */
export function tlsOptionsOf({ ca, cert, key, serverName, isUnchecked }: TlsSettings): object {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { servername: serverName }),
    ...(isUnchecked === true && { rejectUnauthorized: false }),
  }
}
