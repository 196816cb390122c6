//! One guess's worth of stretching and nothing else: whoever counts instructions runs this under valgrind.
//!
//! `cargo run --profile phone -p twinlock-core --example stretch -- 19456 2`

use twinlock_core::pin::{Owner, PinDigits, SALT_LEN, StretchMemory, StretchParameters};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().map_or(Ok(default), |text| text.parse());
    let parameters = StretchParameters::new(number(19 * 1024)?, number(2)?, 1)?;
    let mut digits = PinDigits::new();
    b"938174".iter().try_for_each(|digit| digits.push_digit(*digit))?;
    let owner = Owner::new("organisation", "device")?;
    let mut memory = StretchMemory::allocate(parameters)?;
    std::hint::black_box(memory.stretch(&digits.submit()?, &owner, 1, &[7; SALT_LEN], parameters)?);
    Ok(())
}
