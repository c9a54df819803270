//! What the compiler gets where something is wrong: the errors, and the user's item as it was written.

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;

/// The item stays, so that whoever calls it is not told that it does not exist.
pub(crate) fn fallback(errors: Errors, item: TokenStream) -> TokenStream {
    let mut tokens = errors.into_compile_errors();
    tokens.extend(item);
    tokens
}

/// The same where there is no item: several errors are one expression only in a block.
pub(crate) fn fallback_of_expression(errors: Errors) -> TokenStream {
    let errors = errors.into_compile_errors();
    quote!({ #errors })
}
