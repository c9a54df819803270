#![deny(warnings)]

use telemetry_runtime::instrument;

macro_rules! function {
    ($vis:vis $name:ident, $text:literal, $param:ident: $ty:ty, $body:block) => {
        #[instrument(name = $text, fields(copy = $param))]
        $vis fn $name($param: $ty, hidden: u8) -> Result<$ty, u8> {
            if hidden > 9 {
                return Err(hidden);
            }
            Ok($body)
        }
    };
}

macro_rules! whole {
    ($item:item) => {
        #[instrument]
        $item
    };
}

function!(pub(crate) double, "doubled", n: u32, { 2 });
whole! {
    async fn later(n: u8) -> u8 {
        n
    }
}

fn main() {
    double(1, 2).unwrap();
    drop(later(1));
}
