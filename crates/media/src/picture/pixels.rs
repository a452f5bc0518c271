//! Decoded pixels: made smaller, converted to sRGB and turned upright.
//!
//! Pixels stay in the layout they were decoded to until they are small, since the large
//! ones decide how much memory a picture takes.

use fast_image_resize::{
    FilterType, MulDiv, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image,
};
use image::{DynamicImage, RgbImage, RgbaImage, metadata::Orientation};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use crate::{MediaError, strip::Stripped};

/// Pixels of 8 bits a channel, rows from the top, without padding.
#[derive(Clone)]
pub(crate) struct Pixels {
    /// Width in pixels.
    pub(crate) width: u32,
    /// Height in pixels.
    pub(crate) height: u32,
    /// Channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
    pub(crate) channels: u8,
    /// `width * height * channels` bytes.
    pub(crate) data: Vec<u8>,
}

fn failed(error: impl std::fmt::Display) -> MediaError {
    MediaError::Encode(error.to_string())
}

impl Pixels {
    fn layout(&self) -> PixelType {
        match self.channels {
            1 => PixelType::U8,
            2 => PixelType::U8x2,
            3 => PixelType::U8x3,
            _ => PixelType::U8x4,
        }
    }

    fn alpha(&self) -> bool {
        self.channels.is_multiple_of(2)
    }

    /// Makes the longer side at most `side` pixels; never enlarges.
    pub(crate) fn fit(self, side: u32) -> Result<Self, MediaError> {
        let longer = self.width.max(self.height);
        if longer <= side {
            return Ok(self);
        }
        let scale = f64::from(side) / f64::from(longer);
        let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, side);
        let (width, height) = (scaled(self.width), scaled(self.height));
        self.resize(width, height, &ResizeOptions::new())
    }

    /// Cuts out the centred square, at most `side` pixels; never enlarges.
    pub(crate) fn square(self, side: u32) -> Result<Self, MediaError> {
        let shorter = self.width.min(self.height);
        let side = side.min(shorter);
        let left = f64::from((self.width - shorter) / 2);
        let top = f64::from((self.height - shorter) / 2);
        let shorter = f64::from(shorter);
        self.resize(
            side,
            side,
            &ResizeOptions::new().crop(left, top, shorter, shorter),
        )
    }

    /// Alpha is multiplied in place, since the resizer would do it on a copy.
    fn resize(self, width: u32, height: u32, options: &ResizeOptions) -> Result<Self, MediaError> {
        let (layout, channels, alpha) = (self.layout(), self.channels, self.alpha());
        let mut from =
            Image::from_vec_u8(self.width, self.height, self.data, layout).map_err(failed)?;
        let mut to = Image::new(width, height, layout);
        if alpha {
            MulDiv::new()
                .multiply_alpha_inplace(&mut from)
                .map_err(failed)?;
        }
        let options = options
            .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
            .use_alpha(false);
        Resizer::new()
            .resize(&from, &mut to, &options)
            .map_err(failed)?;
        if alpha {
            MulDiv::new()
                .divide_alpha_inplace(&mut to)
                .map_err(failed)?;
        }
        Ok(Self {
            width,
            height,
            channels,
            data: to.into_vec(),
        })
    }

    /// Converts to sRGB (RGB or RGBA) and turns upright.
    pub(crate) fn finish(self, file: &Stripped) -> Result<Self, MediaError> {
        let converted = file.icc.as_deref().and_then(|icc| self.converted(icc));
        converted
            .unwrap_or_else(|| self.coloured())
            .upright(file.orientation)
    }

    /// Grey becomes RGB.
    fn coloured(self) -> Self {
        let data = match self.channels {
            1 => self.data.iter().flat_map(|grey| [*grey; 3]).collect(),
            2 => {
                let pairs = self.data.chunks_exact(2);
                pairs
                    .flat_map(|pair| [pair[0], pair[0], pair[0], pair[1]])
                    .collect()
            }
            _ => self.data,
        };
        let channels = if self.channels.is_multiple_of(2) {
            4
        } else {
            3
        };
        Self {
            channels,
            data,
            ..self
        }
    }

    /// `None` when the profile is unreadable or for another kind of pixels (a CMYK profile
    /// of a picture that the decoder made RGB): the pixels are then taken for sRGB.
    fn converted(&self, icc: &[u8]) -> Option<Self> {
        let profile = ColorProfile::new_from_slice(icc).ok()?;
        let (from, space) = match self.channels {
            1 => (Layout::Gray, DataColorSpace::Gray),
            2 => (Layout::GrayAlpha, DataColorSpace::Gray),
            3 => (Layout::Rgb, DataColorSpace::Rgb),
            _ => (Layout::Rgba, DataColorSpace::Rgb),
        };
        if profile.color_space != space {
            return None;
        }
        let (to, channels) = match self.alpha() {
            true => (Layout::Rgba, 4_u8),
            false => (Layout::Rgb, 3),
        };
        let srgb = ColorProfile::new_srgb();
        let transform = profile
            .create_transform_8bit(from, &srgb, to, TransformOptions::default())
            .ok()?;
        let pixels = self.data.len() / usize::from(self.channels);
        let mut data = vec![0; pixels * usize::from(channels)];
        transform.transform(&self.data, &mut data).ok()?;
        Some(Self {
            channels,
            data,
            ..*self
        })
    }

    fn upright(self, orientation: u8) -> Result<Self, MediaError> {
        let turn = Orientation::from_exif(orientation).unwrap_or(Orientation::NoTransforms);
        if turn == Orientation::NoTransforms {
            return Ok(self);
        }
        let (width, height, channels) = (self.width, self.height, self.channels);
        let image = if channels == 4 {
            RgbaImage::from_raw(width, height, self.data).map(DynamicImage::ImageRgba8)
        } else {
            RgbImage::from_raw(width, height, self.data).map(DynamicImage::ImageRgb8)
        };
        let mut image = image.ok_or_else(|| failed("a row is missing"))?;
        image.apply_orientation(turn);
        Ok(Self {
            width: image.width(),
            height: image.height(),
            channels,
            data: image.into_bytes(),
        })
    }
}
