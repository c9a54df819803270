//! What is written for each shape of function, to be read.

use proc_macro2::TokenStream;
use quote::quote;

use crate::instrument::instrument;
use crate::style::Style;

/// Compares what is written with the file of that name.
fn assert_written(name: &str, arguments: TokenStream, item: TokenStream) {
    assert_snapshot(name, instrument(arguments, item, Style::Ours));
}

fn assert_snapshot(name: &str, written: TokenStream) {
    let file = syn::parse2(written).expect("what is written is an item");
    let settings = {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(".");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings
    };
    settings.bind(|| insta::assert_snapshot!(name, prettyplease::unparse(&file)));
}

#[test]
fn a_function_that_cannot_fail_is_a_guard_and_its_body() {
    let item = quote! {
        /// Adds.
        #[inline]
        pub(crate) fn add(a: u64, b: &str, _c: OrderId) -> u64 {
            let sum = a + b.len() as u64;
            return sum;
        }
    };
    assert_written("cannot_fail", quote!(), item);
}

#[test]
fn a_function_that_may_fail_is_called_and_looked_at() {
    let item = quote! {
        fn first<'a, T, const N: usize>(&'a mut self, items: &'a mut [T; N]) -> Result<&'a mut T, E> {
            Ok(&mut items[self.next()?])
        }
    };
    assert_written("may_fail", quote!(), item);
}

#[test]
fn an_async_function_passes_its_parameters_on() {
    let item = quote! {
        async fn fetch(&self, mut id: u64, (a, _): (A, B), _: Guard, ref name: String) -> Result<impl Debug, E> {
            self.get(id).await
        }
    };
    assert_written("async", quote!(skip(a)), item);
}

#[test]
fn a_returned_future_is_wrapped_where_it_begins() {
    let item = quote! {
        fn fetch<'a>(&'a self, id: u64) -> Pin<Box<dyn Future<Output = Result<u8, E>> + Send + 'a>> {
            let key = key(id);
            Box::pin(async move { self.get(key).await })
        }
    };
    assert_written("returned_future", quote!(), item);
}

#[test]
fn a_future_or_stream_is_wrapped_whatever_makes_it() {
    let item = quote! {
        fn fetch(id: u64) -> BoxFuture<'static, Result<u8, E>> {
            if id == 0 {
                return nothing().boxed();
            }
            get(id).boxed()
        }
    };
    assert_written("returned_box", quote!(), item);
    let item = quote! {
        fn list(&self) -> impl Stream<Item = u8> + use<> {
            self.all()
        }
    };
    assert_written("returned_stream", quote!(), item);
}

#[test]
fn every_argument_has_its_place() {
    let arguments = quote! {
        name = "charge", target = TARGET, level = "debug", kind = SpanKind::Client, skip_all,
        fields(order, ?request, %email, peer.service = "billing", sum = a + b, later), err(Debug), ret(Display), crate = my::telemetry
    };
    let item = quote! {
        fn charge(order: u64, request: Request, email: &str) -> Answer {
            request.charge(order)
        }
    };
    assert_written("every_argument", arguments, item);
}

#[test]
fn a_span_may_start_elsewhere_under_a_name_of_its_moment() {
    let arguments = quote! {
        name = format!("GET {route}"), parent = request.context(), links = &request.links, sample = 0.1, keep_if_slower = "50ms", metrics
    };
    let item = quote! {
        fn get(route: &str, request: Request) {}
    };
    assert_written("start", arguments, item.clone());
    assert_written("start_async", quote!(root, sample = never), quote!(async #item));
}

#[test]
fn a_value_is_held_against_what_counts() {
    let arguments = quote!(
        err(Debug, level = "warn"),
        ret(level = Level::INFO),
        err_if = |e| e.is_fatal(),
        ok_if = is_good
    );
    let item = quote! {
        fn get() -> Answer {
            Ok(1)
        }
    };
    assert_written("counted", arguments.clone(), item.clone());
    assert_written("counted_async", arguments, quote!(async #item));
}

#[test]
fn everything_is_captured_but_secrets() {
    let item = quote! {
        fn login(&self, name: &str, password: &str, pin: u16, _token: Token) {
            self.check(name, password)
        }
    };
    let arguments =
        quote!(capture = all, fields(password, ?pin = expose(pin), {KEY} = Empty, db.password = secret()));
    assert_written("capture_all", arguments, item);
}

#[test]
fn a_parameter_that_is_only_looked_at_stays_unused() {
    let item = quote! {
        fn ignore(id: u64, used: u64, _unused: u64) {
            println!("{used}");
        }
    };
    assert_written("unused", quote!(), item);
}

#[test]
fn a_span_of_tracing_is_written_beside_ours() {
    let arguments =
        quote!(level = Level::DEBUG, parent = parent, follows_from = causes, fields(x, ?y, z = %n), err, ret);
    let item = quote! {
        fn find(&self, n: u64, order: &Order, password: &str) -> Result<u8, E> {
            self.get(n)
        }
    };
    assert_snapshot("compat", instrument(arguments.clone(), item.clone(), Style::Tracing));
    assert_snapshot("compat_async", instrument(arguments, quote!(async #item), Style::Tracing));
}

#[test]
fn every_function_of_a_block_is_written_anew() {
    let item = quote! {
        impl<T> Store for shop::Cart<T> {
            const SIZE: usize = 1;
            fn add(&mut self, id: u64) -> Result<(), E> {
                self.0.push(id)
            }
            #[instrument(skip)]
            fn len(&self) -> usize {
                self.0.len()
            }
            #[instrument(level = "trace", skip_all)]
            fn has(&self, id: u64) -> bool {
                self.0.contains(&id)
            }
        }
    };
    assert_written("block", quote!(level = "debug"), item);
}

#[test]
fn a_mistake_in_a_block_leaves_it_without_the_methods_own_attributes() {
    let item = quote! {
        trait Store {
            #[instrument(skip)]
            fn len(&self) -> usize;
            #[instrument(nmae = "x")]
            fn add(&mut self, id: u64) {}
        }
    };
    assert_written("mistake_in_block", quote!(skip(idd), root), item);
}

#[test]
fn a_block_of_code_is_a_span_as_a_value() {
    let span = quote!("refund", order.id, ?reason, kind = "client", parent = sender);
    let (entered, detached) = (crate::span::entered(span.clone()), crate::span::detached(span));
    assert_snapshot("span", quote!(fn f() { let _span = #entered; }));
    assert_snapshot("detached_span", quote!(fn f() { let _span = #detached; }));
}

#[test]
fn an_event_is_a_call_with_its_fields() {
    let event = crate::event::event(quote!("miss", cache.size = n, ?reason, level = "debug"));
    assert_snapshot("event", quote!(fn f() { #event; }));
}

#[test]
fn a_mistake_leaves_the_item_untouched() {
    let item = quote! {
        const fn one(a: u8) -> u8 {
            1
        }
    };
    assert_written("mistake", quote!(skip(b)), item);
}
