/** The only values that every client accepts today; later versions exist on paper. */
export const mediaTypes = {
  trustedRoot: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  signingConfig: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
  clientTrustConfig: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json',
} as const
