/** Object identifiers, in dotted form (RFC 5280, RFC 6962, Fulcio's oid-info). */

export const extensionOid = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  sctList: '1.3.6.1.4.1.11129.2.4.2',
  poison: '1.3.6.1.4.1.11129.2.4.3',
} as const

export const extendedKeyUsageOid = {
  any: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  timeStamping: '1.3.6.1.5.5.7.3.8',
} as const

/** The arc of Fulcio's extensions; number 7 is not an extension but the type of an otherName. */
export const fulcioArc = '1.3.6.1.4.1.57264.1'
export const fulcioOtherNameOid = `${fulcioArc}.7`

export const attributeOid = { commonName: '2.5.4.3', organization: '2.5.4.10' } as const
