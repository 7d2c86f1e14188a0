export { type AuthorizationRequest, authorizationUrl, redeemCode } from './authorization-code.ts'
export { type CheckedToken, checkedToken } from './check-token.ts'
export { OidcError, type OidcErrorCode } from './errors.ts'
export {
  type Answer,
  type Client,
  discover,
  type Issuer,
  reasonIn,
  sendForm,
} from './issuer.ts'
export { challengeOf, randomText } from './pkce.ts'
