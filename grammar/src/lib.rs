//! The grammar of the policy language and its error-tolerant parser
