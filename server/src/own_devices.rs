//! A member's own devices: the list, and the revocation of one that was lost or replaced.

use crate::access::{Access, Api};
use crate::act::Outcome;
use crate::caller::Caller;
use crate::devices::{self, DeviceList};
use crate::portal::Portal;
use crate::problem::Refusal;
use crate::store::Tx;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use std::sync::Arc;
use twinlock_core::Error;
use twinlock_core::wire::Problem;

/// This resource's routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Ready, utoipa_axum::routes!(get_devices))
        .route(Access::Ready, utoipa_axum::routes!(post_revocation))
}

/// Revokes an approved device of the caller's own; [`Error::NotFound`] for anybody else's.
pub fn revoke(tx: &mut Tx<'_>, caller: &Caller, device: &str) -> Outcome<()> {
    // An empty id would be no filter.
    if device.is_empty() || devices::list(tx, &caller.organisation, &caller.member, device, caller.now_ms)?.is_empty() {
        return Ok(Err(Error::NotFound));
    }
    devices::revoke(tx, caller, device, "")
}

/// Lists the member's own devices, pending ones first.
#[utoipa::path(get, path = "/v1/account/devices", responses((status = 200, body = DeviceList)))]
async fn get_devices(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<axum::Json<DeviceList>, Refusal> {
    let own = move |tx: &mut Tx<'_>| devices::list(tx, &caller.organisation, &caller.member, "", caller.now_ms);
    Ok(axum::Json(DeviceList { devices: portal.store.read(own).await? }))
}

/// Revokes a device of the member's own: its next request is refused, and its PIN opens nothing any more.
#[utoipa::path(post, path = "/v1/account/devices/{device}/revoke", params(("device" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn post_revocation(
    State(portal): State<Portal>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(device): Path<String>,
) -> Result<StatusCode, Refusal> {
    portal.act(&caller, move |tx, caller| revoke(tx, caller, &device)).await?;
    Ok(StatusCode::NO_CONTENT)
}
