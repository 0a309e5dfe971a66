export {
  type IdentityAnswer,
  type IdentityRequester,
  IdentityService,
  type IdentityServiceOptions,
} from './identity-service.ts'
