//! What was declared: every route with its method, its access and for whom it answers. Nothing else is served.
//!
//! Routes are added through [`Api`](crate::access::Api) and [`Pages`](crate::access::Pages) alone, which ask for an
//! [`Access`]: a route that says nothing does not compile. [`check`] compares the list with the description at start.

use crate::access::Access;
use crate::portal::Portal;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{self, MethodRouter};
use std::collections::BTreeSet;
use utoipa::openapi::{OpenApi, Paths};

/// For whom a route answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// The JSON interface: phones, desktops, scripts of a browser's session.
    Programs,
    /// The pages: browsers with a cookie, and nobody who signs.
    People,
}

/// One method of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The method.
    pub method: Method,
    /// With its parameters in braces.
    pub path: String,
    /// What it demands of its caller.
    pub access: Access,
    /// For whom it answers.
    pub audience: Audience,
}

/// The description of the JSON interface, which does not describe itself.
pub const DESCRIPTION: &str = "/v1/openapi.json";

/// The methods of one page.
pub struct PageMethods {
    methods: Vec<Method>,
    router: MethodRouter<Portal>,
}

/// A page that is read.
pub fn get<H: Handler<T, Portal>, T: 'static>(handler: H) -> PageMethods {
    PageMethods { methods: vec![Method::GET], router: routing::get(handler) }
}

/// A form that is sent.
pub fn post<H: Handler<T, Portal>, T: 'static>(handler: H) -> PageMethods {
    PageMethods { methods: vec![Method::POST], router: routing::post(handler) }
}

impl PageMethods {
    /// A page that also takes its form.
    pub fn post<H: Handler<T, Portal>, T: 'static>(mut self, handler: H) -> Self {
        self.methods.push(Method::POST);
        Self { methods: self.methods, router: self.router.post(handler) }
    }

    /// The routes for the router, and what is declared by them.
    pub fn declare(self, access: Access, path: &str, audience: Audience) -> (MethodRouter<Portal>, Vec<Declared>) {
        let declare = |method| Declared { method, path: path.to_owned(), access, audience };
        (self.router, self.methods.into_iter().map(declare).collect())
    }
}

/// What a description says of itself, as declarations.
pub fn declare_described(paths: &Paths, access: Access) -> Vec<Declared> {
    let audience = Audience::Programs;
    let declare = |(method, path)| Declared { method, path, access, audience };
    operations(paths).into_iter().map(declare).collect()
}

/// Says which route stands in the description and was not declared, or the other way round.
pub fn check(declared: &[Declared], description: &OpenApi) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for route in declared {
        let name = format!("{} {}", route.method, route.path);
        let is_for_programs = route.path.starts_with("/v1/");
        if is_for_programs != (route.audience == Audience::Programs) {
            return Err(format!("{name}: what programs call lies under /v1/, what people open does not"));
        }
        if !seen.insert(name.clone()) {
            return Err(format!("{name} is declared twice"));
        }
    }
    let described = operations(&description.paths);
    let described: BTreeSet<String> = described.iter().map(|(method, path)| format!("{method} {path}")).collect();
    let of_programs = declared.iter().filter(|route| route.audience == Audience::Programs && route.path != DESCRIPTION);
    let of_programs: BTreeSet<String> = of_programs.map(|route| format!("{} {}", route.method, route.path)).collect();
    match described.symmetric_difference(&of_programs).next() {
        None => Ok(()),
        Some(route) if described.contains(route) => Err(format!("{route} is described and was never declared")),
        Some(route) => Err(format!("{route} is declared and missing from the description")),
    }
}

fn operations(paths: &Paths) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    for (path, item) in &paths.paths {
        let methods = [
            (Method::GET, item.get.is_some()),
            (Method::PUT, item.put.is_some()),
            (Method::POST, item.post.is_some()),
            (Method::DELETE, item.delete.is_some()),
            (Method::PATCH, item.patch.is_some()),
            (Method::HEAD, item.head.is_some()),
            (Method::OPTIONS, item.options.is_some()),
            (Method::TRACE, item.trace.is_some()),
        ];
        found.extend(methods.into_iter().filter(|(_, is_there)| *is_there).map(|(method, _)| (method, path.clone())));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(path: &str, audience: Audience) -> Declared {
        Declared { method: Method::GET, path: path.to_owned(), access: Access::Ready, audience }
    }

    fn described() -> OpenApi {
        #[derive(utoipa::OpenApi)]
        #[openapi(paths(one))]
        struct Document;
        #[utoipa::path(get, path = "/v1/one", responses((status = 204)))]
        #[allow(dead_code)]
        fn one() {}
        <Document as utoipa::OpenApi>::openapi()
    }

    #[test]
    fn a_route_that_one_side_does_not_know_is_named() {
        let one = declared("/v1/one", Audience::Programs);
        let page = declared("/page", Audience::People);
        assert_eq!(
            check(&[one.clone(), page.clone(), declared(DESCRIPTION, Audience::Programs)], &described()),
            Ok(())
        );
        let fault = |declared: &[Declared]| check(declared, &described()).unwrap_err();
        assert_eq!(fault(std::slice::from_ref(&page)), "GET /v1/one is described and was never declared");
        let two = declared("/v1/two", Audience::Programs);
        assert_eq!(fault(&[one.clone(), two]), "GET /v1/two is declared and missing from the description");
        assert_eq!(fault(&[one.clone(), page.clone(), page]), "GET /page is declared twice");
        assert!(fault(&[one.clone(), declared("/page", Audience::Programs)]).starts_with("GET /page: "));
        assert!(fault(&[one, declared("/v1/page", Audience::People)]).starts_with("GET /v1/page: "));
    }
}
