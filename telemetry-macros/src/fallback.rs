//! What the compiler gets where something is wrong: the errors, and the user's item as it was written.

use proc_macro2::TokenStream;

use crate::errors::Errors;

/// The item stays, so that whoever calls it is not told that it does not exist.
pub(crate) fn fallback(errors: Errors, item: TokenStream) -> TokenStream {
    let mut tokens = errors.into_compile_errors();
    tokens.extend(item);
    tokens
}
